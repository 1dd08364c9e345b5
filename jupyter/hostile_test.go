package jupyter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"quire/jupyter"
)

// hostile listens where a kernel would and lets peer have each connection; it
// returns where to connect to.
func hostile(t *testing.T, peer func(conn net.Conn)) jupyter.ConnectionInfo {
	t.Helper()
	info, err := jupyter.NewTCP()
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port //nolint:errcheck // that is what Listen gives for tcp
	info.ShellPort, info.ControlPort, info.StdinPort, info.IOPubPort = port, port, port, port
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				peer(conn)
				// Until the client has had enough.
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return info
}

func greeting(mechanism string) []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], mechanism)
	return g
}

func command(name, body string) []byte {
	payload := string(rune(len(name))) + name + body
	return append([]byte{4, byte(len(payload))}, payload...)
}

func ready(socketType string) []byte {
	value := binary.BigEndian.AppendUint32([]byte("\x0bSocket-Type"), uint32(len(socketType)))
	return command("READY", string(value)+socketType)
}

func send(parts ...[]byte) func(net.Conn) {
	return func(conn net.Conn) {
		for _, p := range parts {
			_, _ = conn.Write(p)
		}
	}
}

func TestHostileHandshake(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		peer func(net.Conn)
		want string
	}{
		"another protocol": {send([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), "does not speak ZMTP"},
		"old protocol":     {send([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00")), "older than 3.0"},
		"silence":          {send(), "handshake not finished within"},
		"half a greeting":  {send(greeting("NULL")[:40]), "handshake not finished within"},
		"no READY":         {send(greeting("NULL")), "handshake not finished within"},
		"other mechanism":  {send(greeting("CURVE")), `mechanism "CURVE"`},
		"refusal":          {send(greeting("NULL"), command("ERROR", "\x02no")), `peer refused: "no"`},
		"empty refusal":    {send(greeting("NULL"), command("ERROR", "")), "no reason given"},
		"message first":    {send(greeting("NULL"), []byte{0, 1, 'x'}), "message before READY"},
		"other command":    {send(greeting("NULL"), command("HELLO", "")), `command "HELLO"`},
		"nameless command": {send(greeting("NULL"), []byte{4, 0}), "command without a name"},
		"endless READY":    {send(greeting("NULL"), []byte{6, 0, 0, 1, 0, 0, 0, 0, 0}), "beyond the limit"},
		"cut READY":        {send(greeting("NULL"), command("READY", "\x0bSocket-Type\x00\x00\x00\xffPUB")), "cut property"},
		"other socket":     {send(greeting("NULL"), ready("REP")), `"REP"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := hostile(t, tt.peer)
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			c, err := jupyter.Connect(ctx, info, &jupyter.ClientOptions{Handshake: 200 * time.Millisecond})
			if err == nil {
				_ = c.Close()
				t.Fatal("got a connection")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %q, want %q in it", err, tt.want)
			}
		})
	}
}

// asKernel completes the handshake of any channel and then sends junk.
func asKernel(junk []byte) func(net.Conn) {
	return func(conn net.Conn) {
		hello := make([]byte, 64+2+len("\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"))
		if _, err := io.ReadFull(conn, hello); err != nil {
			return
		}
		if strings.HasSuffix(string(hello), "SUB") {
			send(greeting("NULL"), ready("PUB"), junk)(conn)
			return
		}
		send(greeting("NULL"), ready("ROUTER"))(conn)
	}
}

func TestHostileTraffic(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ junk, want string }{
		"frame that claims 2^47 bytes": {"\x02\x00\x00\x80\x00\x00\x00\x00\x00", "140737488355328 bytes"},
		"frame that claims 2^64-1":     {"\x02\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615 bytes"},
		"reserved flags":               {"\x80\x00", "reserved flags"},
		"too many parts":               {strings.Repeat("\x01\x00", 20_000), "parts"},
		"command of several frames":    {"\x05\x05\x04PING", "several frames"},
		"PING without a time":          {"\x04\x05\x04PING", "PING"},
		"ERROR":                        {"\x04\x09\x05ERROR\x02no", `"no"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := hostile(t, asKernel([]byte(tt.junk)))
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			c, err := jupyter.Connect(ctx, info, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Receive(ctx)
			if !errors.Is(err, jupyter.ErrDisconnected) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want a disconnection with %q in it", err, tt.want)
			}
		})
	}
}

// TestPing checks that a peer that watches the connection is answered.
func TestPing(t *testing.T) {
	t.Parallel()
	answered := make(chan string, 1)
	info := hostile(t, func(conn net.Conn) {
		asKernel(command("PING", "\x00\x05context"))(conn)
		subscription := make([]byte, 3)
		pong := make([]byte, 2+len("\x04PONGcontext"))
		if _, err := io.ReadFull(conn, subscription); err != nil || string(subscription) != "\x00\x01\x01" {
			return // not iopub
		}
		_, _ = io.ReadFull(conn, pong)
		answered <- string(pong)
	})
	c, err := jupyter.Connect(t.Context(), info, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, want := <-answered, "\x04\x0c\x04PONGcontext"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConnectWaitsForTheKernel(t *testing.T) {
	t.Parallel()
	info, err := jupyter.NewIPC(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = jupyter.Connect(ctx, info, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	for name, info := range map[string]jupyter.ConnectionInfo{
		"transport":        {Transport: "pgm"},
		"signature scheme": {Transport: "tcp", Key: "k", SignatureScheme: "hmac-md5"},
	} {
		if _, err := jupyter.Connect(t.Context(), info, nil); err == nil || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%s: got error %v, want one that says not supported", name, err)
		}
	}
}

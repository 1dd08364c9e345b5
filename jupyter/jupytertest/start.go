// Package jupytertest is a scripted kernel for tests. It listens on real
// sockets, speaks the real protocol, and says exactly what the test tells it
// to say. It runs no code.
//
//	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
//		c.Stream("stdout", "hello\n")
//		c.Result(map[string]any{"text/plain": "42"})
//	}))
//	client, err := jupyter.Connect(t.Context(), k.Info(), nil)
package jupytertest

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"quire/jupyter"
	"quire/jupyter/internal/zmtp"
)

// Handler answers one request of shell or control. The requests of one channel
// are handled one after the other, in a goroutine of the channel's own: it
// must not call Fatal, and must return when the kernel's Done is closed.
type Handler func(k *Kernel, req *jupyter.Message)

// Options shape a Kernel; the zero value is what Start uses.
type Options struct {
	TCP      bool            // listen on loopback ports instead of Unix sockets
	Unsigned bool            // no key
	Welcome  bool            // greet subscribers with iopub_welcome, as protocol 5.4 may
	Deaf     int             // this many kernel_info_requests get no word on iopub
	RawInfo  bool            // kernel_info_request, too, is left to the handler
	Language json.RawMessage // language_info; a Python's
}

// Kernel is a running scripted kernel. Its methods are safe for concurrent
// use, in handlers as well as in the test.
type Kernel struct {
	complain func(format string, args ...any) // of what no client should have sent
	opts     Options
	info     jupyter.ConnectionInfo
	codec    *jupyter.Codec
	handler  Handler

	ctx        context.Context //nolint:containedctx // the kernel's life, which is not one call's
	end        context.CancelFunc
	running    sync.WaitGroup
	inputs     chan string
	interrupts chan struct{}

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*zmtp.Conn]*link
	linked    chan struct{} // closed and replaced when conns grows
	requests  []*jupyter.Message
	deaf      int
	count     int
}

// link is what the kernel knows of a connection.
type link struct {
	channel    jupyter.Channel
	identity   string
	subscribed bool
}

// Start runs a kernel on Unix sockets until the test ends. A nil handler
// answers nothing but kernel_info_request.
func Start(tb testing.TB, handler Handler) *Kernel {
	tb.Helper()
	return StartWith(tb, Options{}, handler)
}

// StartWith is Start with options.
func StartWith(tb testing.TB, opts Options, handler Handler) *Kernel {
	tb.Helper()
	k, err := Listen(place(tb, opts), opts, tb.Errorf, handler)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Close)
	return k
}

// Listen is StartWith for a program that is a kernel: it runs on the sockets
// that info names, calls complain where a test would fail, and ends with Close.
func Listen(info jupyter.ConnectionInfo, opts Options, complain func(format string, args ...any), handler Handler) (*Kernel, error) {
	codec, err := jupyter.NewCodec(info)
	if err != nil {
		return nil, err
	}
	if handler == nil {
		handler = func(*Kernel, *jupyter.Message) {}
	}
	k := &Kernel{
		complain: complain, opts: opts, info: info, codec: codec, handler: handler, deaf: opts.Deaf,
		inputs:     make(chan string, 1),
		interrupts: make(chan struct{}, 1),
		conns:      map[*zmtp.Conn]*link{},
		linked:     make(chan struct{}),
	}
	k.ctx, k.end = context.WithCancel(context.Background())
	for _, ch := range []jupyter.Channel{jupyter.Shell, jupyter.Control, jupyter.Stdin, jupyter.IOPub} {
		if err := k.listen(ch); err != nil {
			k.Close()
			return nil, err
		}
	}
	return k, nil
}

func (k *Kernel) listen(ch jupyter.Channel) error {
	network, address, err := k.info.Address(ch)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(k.ctx, network, address)
	if err != nil {
		return err
	}
	k.listeners = append(k.listeners, l)
	k.running.Go(func() { k.accept(ch, l) })
	return nil
}

// place finds sockets for the kernel. The test's own temporary folder carries
// its name, which may be too long for a socket's path.
func place(tb testing.TB, opts Options) jupyter.ConnectionInfo {
	tb.Helper()
	var info jupyter.ConnectionInfo
	var err error
	if opts.TCP {
		info, err = jupyter.NewTCP()
	} else {
		var dir string
		if dir, err = os.MkdirTemp("", "quire-kernel-"); err != nil { //nolint:usetesting // see above
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = os.RemoveAll(dir) })
		info, err = jupyter.NewIPC(filepath.Join(dir, "k"))
	}
	if err != nil {
		tb.Fatal(err)
	}
	if opts.Unsigned {
		info.Key = ""
	}
	return info
}

// Info returns where to connect to.
func (k *Kernel) Info() jupyter.ConnectionInfo { return k.info }

// Done is closed when the kernel ends.
func (k *Kernel) Done() <-chan struct{} { return k.ctx.Done() }

// Drop ends the kernel as its death would: every connection is cut at once.
// It may be called in a handler.
func (k *Kernel) Drop() {
	k.end()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.listeners {
		_ = l.Close()
	}
	for conn := range k.conns {
		_ = conn.Close()
	}
}

// Close is Drop, and returns when no handler runs any more. The end of the
// test does it too.
func (k *Kernel) Close() {
	k.Drop()
	k.running.Wait()
}

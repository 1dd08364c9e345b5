package jupyter

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

const (
	transportIPC    = "ipc"
	transportTCP    = "tcp"
	signatureScheme = "hmac-sha256"
	// maxSocketPath is what fits into sockaddr_un's 108 bytes with a final NUL.
	maxSocketPath = 107
)

// ConnectionInfo says where a kernel listens and how messages are signed. Its
// JSON form is Jupyter's connection file.
type ConnectionInfo struct {
	Transport       string `json:"transport"` // ipc or tcp
	IP              string `json:"ip"`        // for ipc the common prefix of the sockets' paths
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HBPort          int    `json:"hb_port"`
	Key             string `json:"key"` // empty: messages are not signed
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name"`
}

// NewIPC returns where a kernel may listen on Unix sockets in dir, with a new
// key. It makes dir where it is missing and takes all others' permissions on
// it away. A dir whose sockets' paths would be too long is an error.
func NewIPC(dir string) (ConnectionInfo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ConnectionInfo{}, fmt.Errorf("place kernel sockets: %w", err)
	}
	info := ConnectionInfo{
		Transport: transportIPC, IP: filepath.Join(dir, "kernel"),
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
		Key: rand.Text(), SignatureScheme: signatureScheme,
	}
	if path := info.socketPath(info.HBPort); len(path) > maxSocketPath {
		return ConnectionInfo{}, fmt.Errorf(
			"place kernel sockets: path %q has %d bytes, a socket's may have %d: use a shorter directory",
			path, len(path), maxSocketPath)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ConnectionInfo{}, fmt.Errorf("place kernel sockets: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return ConnectionInfo{}, fmt.Errorf("place kernel sockets: %w", err)
	}
	return info, nil
}

// NewTCP returns where a kernel may listen on this machine's loopback address,
// with a new key. The ports are free when it returns; nothing keeps another
// process from taking one before the kernel does.
func NewTCP() (ConnectionInfo, error) {
	info := ConnectionInfo{
		Transport: transportTCP, IP: "127.0.0.1",
		Key: rand.Text(), SignatureScheme: signatureScheme,
	}
	for _, port := range []*int{&info.ShellPort, &info.IOPubPort, &info.StdinPort, &info.ControlPort, &info.HBPort} {
		l, err := net.Listen("tcp", net.JoinHostPort(info.IP, "0")) //nolint:noctx // a local bind cannot block
		if err != nil {
			return ConnectionInfo{}, fmt.Errorf("find free port: %w", err)
		}
		// Held until all five are found, so that they differ.
		defer l.Close()
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return ConnectionInfo{}, fmt.Errorf("find free port: listening at %v", l.Addr())
		}
		*port = addr.Port
	}
	return info, nil
}

// WriteFile writes the connection file that a kernel is given, readable by
// the owner alone.
func (i ConnectionInfo) WriteFile(path string) error {
	data, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	// A file that was there before keeps its mode otherwise.
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.Write(data)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	return nil
}

// Address returns the network and address of a channel for net.Dial.
func (i ConnectionInfo) Address(ch Channel) (network, address string, err error) {
	port, ok := map[Channel]int{
		Shell: i.ShellPort, Control: i.ControlPort, Stdin: i.StdinPort, IOPub: i.IOPubPort,
	}[ch]
	if !ok {
		return "", "", fmt.Errorf("no channel %q", ch)
	}
	switch i.Transport {
	case transportIPC:
		return "unix", i.socketPath(port), nil
	case transportTCP:
		return "tcp", net.JoinHostPort(i.IP, strconv.Itoa(port)), nil
	default:
		return "", "", fmt.Errorf("transport %q is not supported, only ipc and tcp", i.Transport)
	}
}

func (i ConnectionInfo) socketPath(port int) string {
	return i.IP + "-" + strconv.Itoa(port)
}

// Package quiretest starts a real Quire server for the tests of its clients.
// It uses nothing but the standard library, so that it puts no dependency on
// the module of any client. What is asked of the server, and by whom, it leaves
// to them.
package quiretest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startTime = time.Minute
	stopTime  = 20 * time.Second
)

// Options of a Server; nil means the defaults.
type Options struct {
	TLSCert, TLSKey string // PEM files; without them the server speaks plaintext
}

// Server is a server process of its own, on a free loopback port, with a new
// data folder.
type Server struct {
	Address string // host:port
	Token   string // the administrator's

	tls bool
}

// Start returns a server that takes calls. The test's end stops it, and fails
// the test if the server does not end well then.
func Start(t testing.TB, o *Options) *Server {
	t.Helper()
	if o == nil {
		o = &Options{}
	}
	data := t.TempDir()
	addressFile := filepath.Join(t.TempDir(), "address")
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--data", data,
		"--python", python(t), "--address-file", addressFile,
	}
	if o.TLSCert != "" {
		args = append(args, "--tls-cert", o.TLSCert, "--tls-key", o.TLSKey)
	}
	run(t, exec.Command(program(t), args...)) //nolint:noctx // the test's end stops it
	return &Server{
		Address: line(t, addressFile),
		Token:   line(t, filepath.Join(data, "token")),
		tls:     o.TLSCert != "",
	}
}

// URL returns the URL of a path on the server.
func (s *Server) URL(path string) string {
	if s.tls {
		return "https://" + s.Address + path
	}
	return "http://" + s.Address + path
}

// run starts the server and returns when it serves.
func run(t testing.TB, server *exec.Cmd) {
	t.Helper()
	log := newLog()
	server.Stderr = log
	// An executor that outlives the server may hold the log open.
	server.WaitDelay = time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- server.Wait() }()

	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(stopTime, func() { _ = server.Process.Kill() })
		defer kill.Stop()
		if err := <-exited; err != nil && !errors.Is(err, exec.ErrWaitDelay) {
			t.Errorf("the server ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", log)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	select {
	case <-log.serves:
	case err := <-exited:
		exited <- err
		t.Fatalf("the server ended before it served: %v", err)
	case <-ctx.Done():
		t.Fatal("the server does not serve")
	}
}

// program returns the path of the quire binary.
func program(t testing.TB) string {
	return existing(t, "QUIRE_BIN", "../../bin/quire")
}

// python returns the path of the interpreter whose environment holds kernels.
func python(t testing.TB) string {
	return existing(t, "QUIRE_TEST_PYTHON", "../../.cache/python/test/bin/python")
}

// existing returns the path that an environment variable holds, or else the
// one that is relative to the module under test.
func existing(t testing.TB, variable, fallback string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = fallback
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("what %s stands for is missing: run make test (%v)", variable, err)
	}
	return path
}

func line(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

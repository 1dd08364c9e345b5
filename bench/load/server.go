package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"quire/bench/loadkernel"
)

const (
	startLimit = time.Minute
	stopLimit  = 20 * time.Second
)

// server is a quire server of this program's own.
type server struct {
	process *exec.Cmd
	exited  chan error
	data    string
	address string
	token   string
}

// startServer starts a server with the load kernel and returns when it serves.
func startServer(ctx context.Context, p plan, dir string) (*server, error) {
	if err := loadkernel.Install(filepath.Join(dir, "jupyter"), p.Kernel...); err != nil {
		return nil, err
	}
	s := &server{data: filepath.Join(dir, "data"), exited: make(chan error, 1)}
	address := filepath.Join(dir, "address")
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	s.process = exec.CommandContext(context.WithoutCancel(ctx), p.Quire, "serve", "--listen", "127.0.0.1:0", //nolint:gosec // the program under load
		"--data", s.data, "--address-file", address, "--max-running", fmt.Sprint(p.MaxRunning))
	s.process.Env = append(os.Environ(), "JUPYTER_PATH="+filepath.Join(dir, "jupyter"))
	stderr, err := s.process.StderrPipe()
	if err == nil {
		err = s.process.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), log.Close())
	}
	serves := make(chan struct{})
	copied := make(chan struct{})
	go func() { defer close(copied); follow(stderr, log, serves) }()
	go func() { <-copied; s.exited <- s.process.Wait() }()
	select {
	case <-serves:
	case err := <-s.exited:
		s.exited <- err
		return nil, fmt.Errorf("the server ended before it served, see its log: %w", err)
	case <-time.After(startLimit):
		return nil, errors.Join(errors.New("the server does not serve"), s.stop())
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), s.stop())
	}
	if s.address, err = line(address); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if s.token, err = line(filepath.Join(s.data, "token")); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// follow copies the server's log to its end and closes serves when it takes calls.
func follow(from io.Reader, to io.WriteCloser, serves chan<- struct{}) {
	defer to.Close()
	lines := bufio.NewReader(from)
	for {
		text, err := lines.ReadString('\n')
		_, _ = io.WriteString(to, text) // the log is for a look when something went wrong
		if serves != nil && strings.Contains(text, `"msg":"quire serves"`) {
			close(serves)
			serves = nil
		}
		if err != nil {
			return
		}
	}
}

// stop ends the server; executions that run go on.
func (s *server) stop() error {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(stopLimit, func() { _ = s.process.Process.Kill() })
	defer kill.Stop()
	if err := <-s.exited; err != nil {
		return fmt.Errorf("the server ended with %w", err)
	}
	return nil
}

func line(file string) (string, error) {
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

package soak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Folders of a run, in its own one.
const (
	dataFolder  = "data"
	tempFolder  = "tmp"
	marksFolder = "marks"
	gatesFolder = "gates"
	keptFolder  = "kept"
)

const (
	address    = "127.0.0.1:8080" // the namespace's own
	maxRunning = "6"

	maxDescriptors = 400 // of the server, and of each process that it starts

	startLimit  = 20 * time.Second
	stopLimit   = 20 * time.Second
	pollingStep = 5 * time.Millisecond
)

// server is the server process, one after the other on the same data folder.
type server struct {
	dir      string
	programs [2]string // the same program under two names: an upgrade
	python   string
	cgroup   *pidsCgroup // nil where there is none
	died     chan string // why, where nobody had ended it

	mu       sync.Mutex
	program  int
	starts   int
	cmd      *exec.Cmd
	exited   chan struct{} // closed when cmd has ended
	expected bool          // its end
	status   string
}

func newServer(dir, program, python string) (*server, error) {
	s := &server{dir: dir, python: python, died: make(chan string, 16)}
	for i := range s.programs {
		s.programs[i] = filepath.Join(dir, fmt.Sprintf("quire-%d", i))
		if err := copyFile(program, s.programs[i], 0o700); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *server) data(path ...string) string {
	return filepath.Join(append([]string{s.dir, dataFolder}, path...)...)
}

// command returns what starts a server on the data folder.
func (s *server) command(ctx context.Context, listen, addressFile string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -n "$DESCRIPTORS" && exec "$0" "$@"`, s.programs[s.program], "serve", "--listen", listen, "--data", s.data(), //nolint:gosec // the program under test
		"--python", s.python, "--address-file", addressFile, "--max-running", maxRunning, "--kernel-env", "SOAK_DIR",
		"--ready", strconv.Itoa(s.starts%2)) // every other one keeps an executor that waits
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LANG=C.UTF-8",
		"TMPDIR=" + filepath.Join(s.dir, tempFolder), "SOAK_DIR=" + s.dir, fmt.Sprintf("DESCRIPTORS=%d", maxDescriptors),
	}
	return cmd
}

// start starts the server and returns when it has written its address.
func (s *server) start(ctx context.Context) error {
	addressFile := filepath.Join(s.dir, "address")
	if err := os.Remove(addressFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the server has its own
	s.starts++
	cmd := s.command(context.WithoutCancel(ctx), address, addressFile)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := s.cgroup.add(cmd.Process.Pid); err != nil {
		return err
	}
	exited := make(chan struct{})
	s.mu.Lock()
	s.cmd, s.exited, s.expected = cmd, exited, true // before it serves, start says so
	s.mu.Unlock()
	go func() { // ends with the server, which close ends
		err := cmd.Wait()
		s.mu.Lock()
		expected := s.expected
		s.status = fmt.Sprint(err)
		s.mu.Unlock()
		close(exited)
		if !expected {
			s.died <- fmt.Sprintf("the server ended by itself: %v\n%s", err, s.lastWords(10))
		}
	}()
	err = poll(ctx, startLimit, func() (bool, error) {
		select {
		case <-exited:
			return false, errors.New("the server ended before it served")
		default:
		}
		_, err := os.Stat(addressFile)
		return err == nil, nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = err != nil
	return err
}

// lastWords are the first lines that the server wrote after its last record,
// or else those records that are no calls.
func (s *server) lastWords(lines int) string {
	log, err := os.ReadFile(filepath.Join(s.dir, "server.log"))
	if err != nil {
		return err.Error()
	}
	var records, words []string
	for line := range bytes.Lines(log) {
		text := string(line[:min(len(line), 300)])
		switch {
		case !strings.HasPrefix(text, "{"):
			words = append(words, strings.TrimSpace(text))
		case !strings.Contains(text, `"msg":"call"`):
			records, words = append(records, strings.TrimSpace(text)), nil
		default:
			words = nil
		}
	}
	if len(words) == 0 {
		words = records[max(0, len(records)-lines):]
	}
	return strings.Join(words[:min(len(words), lines)], "\n")
}

func (s *server) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// alive reports whether the server runs.
func (s *server) alive() bool {
	s.mu.Lock()
	exited := s.exited
	s.mu.Unlock()
	select {
	case <-exited:
		return false
	default:
		return true
	}
}

// stop sends a signal and waits for the end. It is no error if it has ended.
func (s *server) stop(signal syscall.Signal) error {
	s.mu.Lock()
	s.expected = true
	cmd, exited := s.cmd, s.exited
	s.mu.Unlock()
	_ = cmd.Process.Signal(signal) // it may have ended
	select {
	case <-exited:
	case <-time.After(stopLimit):
		_ = cmd.Process.Kill()
		<-exited
		return fmt.Errorf("the server did not end within %s after %s", stopLimit, signal)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if signal == syscall.SIGTERM && s.status != "<nil>" {
		return fmt.Errorf("the server ended with %s after %s", s.status, signal)
	}
	return nil
}

// expectEnd says that the server is to end by something else than stop.
func (s *server) expectEnd() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = true
	return s.exited
}

// upgrade makes the next start take the other program.
func (s *server) upgrade() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.program = 1 - s.program
}

// poll asks until the answer is yes, an error, or the limit is over.
func poll(ctx context.Context, limit time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollingStep)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait returns after d, and reports false if ctx has ended before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func copyFile(from, to string, mode os.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

package crash_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"quire/internal/executor"
	"quire/internal/testenv"
)

// patience bounds every wait for something that must come.
const patience = time.Minute

// look is the time between two looks at what nobody tells.
const look = 20 * time.Millisecond

// world is a data folder, and what servers on it leave behind.
type world struct {
	data string // the data folder
	tmp  string // where temporary files of servers, executors and kernels go
	log  string // the servers' logs
	mark string // made by the process that a crash point kills

	token   string
	project string
	python  string
}

// newWorld returns a world with a new data folder, or a copy of another's.
func newWorld(t *testing.T, from *world) *world {
	t.Helper()
	dir := t.TempDir()
	// The name must leave room for that of a socket.
	tmp, err := os.MkdirTemp("/tmp", "qc-") //nolint:usetesting // t.TempDir's names are too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	w := &world{
		data: filepath.Join(dir, "data"), log: filepath.Join(dir, "log"), mark: filepath.Join(dir, "mark"),
		tmp: tmp, python: testenv.Python(t),
	}
	if from != nil {
		w.token, w.project = from.token, from.project
		copyFolder(t, from.data, w.data)
	}
	t.Cleanup(func() {
		w.endExecutors()
		if log, err := os.ReadFile(w.log); err == nil && t.Failed() {
			t.Logf("the servers' log:\n%s", log)
		}
	})
	return w
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "token"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// endExecutors ends what a failed test has left running.
func (w *world) endExecutors() {
	paths, _ := filepath.Glob(filepath.Join(w.data, "executions", "*", "executor.json"))
	for _, path := range paths {
		if id, err := executor.ReadIdentity(filepath.Dir(path)); err == nil && id.Alive() {
			_ = syscall.Kill(id.PID, syscall.SIGKILL)
		}
	}
}

// server is a running server of a world.
type server struct {
	*world
	address string
	process *os.Process
	exited  chan struct{} // closed when the process has ended
	state   *os.ProcessState
}

// start starts a server that dies, or whose executors die, at the given point:
// NAME or NAME:N; at none if that is empty. It returns when the server listens
// or is dead.
func (w *world) start(t *testing.T, point string, args ...string) *server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "address")
	cmd := exec.Command(program, append([]string{ //nolint:noctx // the test's end kills it
		"serve", "--listen", "127.0.0.1:0", "--data", w.data, "--python", w.python, "--address-file", file,
	}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.tmp, "TMPDIR=" + w.tmp, "JUPYTER_PREFER_ENV_PATH=1"}
	if point != "" {
		cmd.Env = append(cmd.Env, "QUIRE_CRASH="+point, "QUIRE_CRASH_MARK="+w.mark)
	}
	log, err := os.OpenFile(w.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{world: w, process: cmd.Process, exited: make(chan struct{})}
	go func() {
		defer close(s.exited)
		_ = cmd.Wait() // the state says it
		s.state = cmd.ProcessState
	}()
	t.Cleanup(func() { _ = s.process.Kill(); <-s.exited })
	s.until(t, "the server listens", func() bool {
		address, err := os.ReadFile(file)
		s.address = strings.TrimSpace(string(address))
		return err == nil
	})
	if w.token == "" {
		token, err := os.ReadFile(filepath.Join(w.data, "token"))
		if err != nil {
			t.Fatal(err)
		}
		w.token = strings.TrimSpace(string(token))
	}
	return s
}

// until looks until something holds or the server is dead, and reports which.
func (s *server) until(t *testing.T, what string, holds func() bool) bool {
	t.Helper()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-ticker.C:
		case <-s.exited:
			return false
		case <-late:
			t.Fatalf("after %s it is not true that %s", patience, what)
		}
	}
	return true
}

// killed waits until the server was killed by a crash point of its own.
func (s *server) killed(t *testing.T) {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		t.Fatal("the server does not come to the point")
	}
	status, ok := s.state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the server ended with %s, want it killed", s.state)
	}
	if got := s.marked(t); got != s.process.Pid {
		t.Fatalf("process %d came to the point, want the server, %d", got, s.process.Pid)
	}
}

// marked returns the id of the process that the crash point killed, or 0.
func (w *world) marked(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(w.mark)
	if os.IsNotExist(err) {
		return 0
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// stop ends the server as an operator does.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		t.Fatal("the server does not stop")
	}
	if !s.state.Success() {
		t.Errorf("the server ended with %s", s.state)
	}
}

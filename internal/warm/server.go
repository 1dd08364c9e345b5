package warm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	socketFile  = "fork"
	programFile = "forkserver.py"
	// markLength is forkserver.py's MARK_LENGTH.
	markLength = 64
)

// waitDelay bounds the wait for whoever still holds the ended process's files.
const waitDelay = time.Second

// maxTempDir is the longest temporary folder that leaves room for a socket's
// name: Linux takes 107 bytes.
const maxTempDir = 60

// poolPrefix begins the names of temporary folders.
const poolPrefix = "quire-warm-"

// TempDir is where folders with sockets go: the temporary folder, or /tmp where
// that one's name is too long.
func TempDir() string {
	if dir := os.TempDir(); len(dir) <= maxTempDir {
		return dir
	}
	return "/tmp"
}

// forkServer is one process of forkserver.py, with a folder of its own.
type forkServer struct {
	dir    string
	parent string // the pool's folder; empty: there is none
	cmd    *exec.Cmd
	alive  io.Closer // its standard input, whose end ends it
	report io.Reader
	stderr *tail
	spared time.Duration // what an import of the learned modules has taken, once it is ready
}

// startForkServer starts one. It has no file of the project's in reach by
// name: its folder is empty but for its own.
func startForkServer(parent string, key Key) (*forkServer, error) {
	s := &forkServer{stderr: &tail{}}
	var err error
	if parent == "" {
		s.dir, err = os.MkdirTemp(TempDir(), poolPrefix)
	} else {
		s.parent = parent
		s.dir, err = makeIn(parent)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(key); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// makeIn makes a folder in the pool's, which the last fork server to go takes along.
func makeIn(parent string) (dir string, err error) {
	for range 2 { // it may go just now
		if err := os.Mkdir(parent, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if dir, err = os.MkdirTemp(parent, "fork-"); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return dir, err
}

func (s *forkServer) start(key Key) error {
	script := filepath.Join(s.dir, programFile)
	if err := os.WriteFile(script, program, 0o600); err != nil {
		return err
	}
	s.cmd = exec.Command(key.Python, key.arguments(script, s.socket())...) //nolint:gosec,noctx // the operator's interpreter; stop ends it
	s.cmd.Dir = s.dir
	// The place of an execution's id, which each kernel overwrites with its own.
	mark := "QUIRE_EXECUTION_ID=" + strings.Repeat("0", markLength)
	s.cmd.Env = append(append([]string{}, key.Env...), mark)
	s.cmd.Stderr = s.stderr
	s.cmd.WaitDelay = waitDelay
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	s.alive = in
	if s.report, err = s.cmd.StdoutPipe(); err != nil {
		return err
	}
	return s.cmd.Start()
}

// arguments are the interpreter's.
func (k Key) arguments(script, socket string) []string {
	return slices.Concat([]string{script, socket}, k.Preload, []string{"--"}, k.Learned)
}

// without returns the key without a module.
func (k Key) without(module string) Key {
	is := func(m string) bool { return m == module }
	k.Preload = slices.DeleteFunc(slices.Clone(k.Preload), is)
	k.Learned = slices.DeleteFunc(slices.Clone(k.Learned), is)
	return k
}

func (s *forkServer) socket() string { return filepath.Join(s.dir, socketFile) }

// kill ends it; its keepers and kernels live on.
func (s *forkServer) kill() { _ = s.cmd.Process.Kill() }

// wait collects the process after it has ended and removes its folder.
func (s *forkServer) wait() error {
	_ = s.alive.Close()
	err := s.cmd.Wait()
	if last := s.stderr.String(); err != nil && last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	err = errors.Join(err, os.RemoveAll(s.dir))
	if s.parent != "" {
		_ = os.Remove(s.parent) // if it is empty
	}
	return err
}

// maxSpared bounds what a fork server says in seconds: it is no longer there to
// say more.
const maxSpared = 3600

// maxReport bounds one line of a fork server's report.
const maxReport = 64 << 10

var errUnsafe = errors.New("its imports do not allow a fork")

// ready reads its report until it serves. Its error is errUnsafe where this
// environment can never be forked from; importing is the module whose import
// was not over.
func (s *forkServer) ready(logger *slog.Logger) (importing string, err error) {
	lines := bufio.NewScanner(s.report)
	lines.Buffer(nil, maxReport)
	for lines.Scan() {
		var r struct {
			Ready                           []string
			Spared                          float64 // seconds
			Unsafe, Importing, Dropped, Why string
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			continue // something that an import has printed by itself
		}
		switch {
		case r.Unsafe != "":
			return "", fmt.Errorf("%w: %s", errUnsafe, r.Unsafe)
		case r.Importing != "":
			importing = r.Importing
		case r.Dropped != "":
			logger.Info("module is not preloaded", "module", r.Dropped, "reason", r.Why)
		case r.Ready != nil:
			s.spared = time.Duration(min(r.Spared, maxSpared) * float64(time.Second))
			logger.Info("kernels are warm", "modules", r.Ready)
			return "", nil
		}
	}
	return importing, errors.New("it ended before it was ready")
}

// memory returns the process's share of memory in bytes, 0 if it is not known.
func (s *forkServer) memory() int64 {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "smaps_rollup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// maxTail bounds what is kept of a fork server's standard error.
const maxTail = 2 << 10

// tail keeps the end of what is written to it.
type tail struct{ data []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	t.data = t.data[max(0, len(t.data)-maxTail):]
	return len(p), nil
}

// String returns the last line. It must not be called beside Write.
func (t *tail) String() string {
	lines := strings.Split(strings.TrimSpace(string(t.data)), "\n")
	return strings.ToValidUTF8(lines[len(lines)-1], "?")
}

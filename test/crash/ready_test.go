package crash_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"quire/internal/crash"
	"quire/internal/executor"
)

// apart moves the data folder to where a kernel that waits takes a notebook:
// not below /tmp.
func (w *world) apart(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "qc-") //nolint:usetesting // t.TempDir's are below /tmp
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	copyFolder(t, w.data, filepath.Join(dir, "data"))
	w.data = filepath.Join(dir, "data")
}

// startReady is start for a server that keeps a kernel of IPython, and waits
// for it.
func (w *world) startReady(t *testing.T, point string) *server {
	t.Helper()
	before := w.waits(t)
	s := w.start(t, point, "--ready", "1")
	if !s.until(t, "a kernel waits", func() bool { return w.waits(t) > before }) {
		t.Fatal("the server is dead before a kernel waits")
	}
	return s
}

// waits counts how often a server has said that its kernels wait.
func (w *world) waits(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(w.log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes.Count(log, []byte("kernels wait for notebooks"))
}

// waiting returns the executors that have no job.
func (w *world) waiting(t *testing.T) (found []executor.Identity) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.data, "waiting", "*", "executor.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		id, err := executor.ReadIdentity(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, id)
	}
	return found
}

// readyDies: the executor that has waited dies with the job in its hands. Up to
// its word of who it is another one takes the job, in the same attempt.
func readyDies(t *testing.T, w *world, point string) {
	w.apart(t)
	s := w.startReady(t, point)
	want := w.waiting(t)
	id := s.execute(t, countsNotebook, "").operation(t).ID
	s.wantStatus(t, id, "OK")
	if got := w.marked(t); len(want) != 1 || got != want[0].PID {
		t.Errorf("process %d came to the point, want that which has waited, of %+v", got, want)
	}
	s.stop(t)
	attempts := w.audit(t)[id]
	once := slices.Contains([]crash.Point{crash.ExecutorOpened, crash.ExecutorIdentified, crash.ExecutorListens, crash.FinishJournaled}, crash.Point(point))
	if once && attempts != 1 || !once && attempts != 2 {
		t.Errorf("it took %d attempts", attempts)
	}
	log, err := os.ReadFile(filepath.Join(w.data, "executions", id, executor.LogFile))
	waited := bytes.Contains(log, []byte("and has waited"))
	if cells := slices.Contains([]crash.Point{crash.NotebookBegin, crash.FinishJournaled}, crash.Point(point)); err != nil || cells && !waited {
		t.Errorf("no kernel that has waited was given the job: %v", err)
	}
	ran := w.ran(t)
	if last := ran[max(0, len(ran)-cellsOfCounts):]; !slices.Equal(last, []string{"0", "1", "2"}) || once && len(ran) != cellsOfCounts {
		t.Errorf("it ran the cells %q", ran)
	}
}

// readyServerDies while the executor that has waited goes on without it.
func readyServerDies(t *testing.T, w *world, point string) {
	w.apart(t)
	s := w.startReady(t, point)
	before := s.executions(t)
	key := newKey()
	s.execute(t, countsNotebook, key)
	s.killed(t)

	s = w.startReady(t, "")
	s.wantStatus(t, s.execute(t, countsNotebook, key).operation(t).ID, "OK")
	w.ranOnce(t, s, len(before)+1)
}

// TestServerAndWaitingExecutorAreKilled outright: the next server removes what
// is left of them.
func TestServerAndWaitingExecutorAreKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.startReady(t, "")
	ids := w.waiting(t)
	if len(ids) != 1 || !ids[0].Alive() {
		t.Fatalf("got %+v, want one executor that waits", ids)
	}
	id := ids[0]
	for _, kill := range []struct {
		pid    int
		signal syscall.Signal
	}{{id.PID, syscall.SIGSTOP}, {s.process.Pid, syscall.SIGKILL}, {id.PID, syscall.SIGKILL}} {
		if err := syscall.Kill(kill.pid, kill.signal); err != nil {
			t.Fatal(err)
		}
	}
	<-s.exited
	if _, err := os.Stat(id.RunDir); err != nil {
		t.Fatalf("its run folder is not left: %v", err)
	}
	s = w.start(t, "")
	if _, err := os.Stat(id.RunDir); !os.IsNotExist(err) {
		t.Errorf("its run folder is left: %v", err)
	}
	s.stop(t)
	if left := w.waiting(t); len(left) > 0 {
		t.Errorf("notes are left: %+v", left)
	}
	w.audit(t)
}

package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/dispatch"
	"quire/internal/executor"
	"quire/internal/journal"
	"quire/internal/local"
	"quire/internal/testenv"
	"quire/jupyter"
	"quire/nbformat"
)

// TestMain lets the test's program be the executor that the backend starts.
func TestMain(m *testing.M) {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if len(os.Args) == 3 && os.Args[1] == "executor" && os.Args[2] == "--wait" {
		if err := executor.Wait(context.Background(), os.NewFile(3, "control"), logger); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == "executor" {
		if err := executor.Main(context.Background(), os.Args[2], os.NewFile(3, "ready"), logger); err != nil {
			logger.Error("executor", "error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func newBackend(t *testing.T) *local.Backend {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return local.New([]string{self, "executor"}, []string{"PATH=" + os.Getenv("PATH")}, slog.New(slog.DiscardHandler))
}

// newJob is a notebook of one cell that begins by a line of output.
func newJob(t *testing.T, source string) quire.Job {
	t.Helper()
	python := testenv.Python(t)
	job := blankJob(t, source)
	job.KernelPath = jupyter.SearchPath(nil, filepath.Dir(filepath.Dir(python)))
	rewrite(t, job)
	return job
}

// blankJob is one whose kernel is still to be found.
func blankJob(t *testing.T, source string) quire.Job {
	t.Helper()
	nb := &nbformat.Notebook{Major: 4, Minor: 5, Metadata: nbformat.Object{}, Cells: []*nbformat.Cell{
		{Type: nbformat.Code, ID: "only", Source: "print('begun', flush=True)\n" + source, Metadata: nbformat.Object{}},
	}}
	job := quire.Job{
		ExecutionID: quire.ExecutionID(quire.NewID()), Attempt: 1, Dir: t.TempDir(), WorkDir: t.TempDir(),
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()},
		Run: quire.DefaultRunSettings(),
	}
	f, err := os.Create(job.InputPath())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(nbformat.Write(f, nb), f.Close()); err != nil {
		t.Fatal(err)
	}
	rewrite(t, job)
	return job
}

func start(t *testing.T, b *local.Backend, job quire.Job) (quire.Handle, executor.Identity) {
	t.Helper()
	h, err := b.Start(t.Context(), job)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(job.Dir, "executor.log"))
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() { _ = b.Clean(context.WithoutCancel(t.Context()), h) })
	var id executor.Identity
	if err := json.Unmarshal(h, &id); err != nil {
		t.Fatal(err)
	}
	return h, id
}

// followed is what following an executor has told.
type followed struct {
	begun chan struct{} // closed when the cell has printed
	err   chan error    // Follow's
	last  chan *quire.Finished
}

func follow(t *testing.T, b *local.Backend, job quire.Job, h quire.Handle) followed {
	t.Helper()
	f := followed{begun: make(chan struct{}), err: make(chan error, 1), last: make(chan *quire.Finished, 1)}
	go func() {
		var r *journal.Reader
		var last *quire.Finished
		begun := false
		f.err <- b.Follow(t.Context(), h, func(size int64) {
			if r == nil {
				var err error
				if r, err = journal.OpenFile(job.JournalPath(), size); err != nil {
					t.Error(err)
					return
				}
			}
			r.Extend(size)
			for e, err := r.Next(); err == nil; e, err = r.Next() {
				last = e.Finished
				if e.Stream != nil && !begun {
					begun = true
					close(f.begun)
				}
			}
		})
		f.last <- last
		_ = r.Close()
	}()
	return f
}

// patience is after how long what a test waits for is not coming any more: a
// loaded machine takes a minute to build an environment.
const patience = 5 * time.Minute

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func TestToTheEnd(t *testing.T) {
	b := newBackend(t)
	job := newJob(t, "")
	h, id := start(t, b, job)
	again, other := start(t, b, job)
	if diff := cmp.Diff(id, other); diff != "" {
		t.Errorf("a second start gave %s, want the first executor %s", again, h)
	}
	one, two := follow(t, b, job, h), follow(t, b, job, h)
	for _, f := range []followed{one, two} {
		if err := await(t, "end", f.err); err != nil {
			t.Errorf("follow: %v", err)
		}
		if last := <-f.last; last == nil || last.State != quire.Succeeded {
			t.Errorf("got the end %+v", last)
		}
	}
	late := follow(t, b, job, h)
	if err := await(t, "end", late.err); err != nil || (<-late.last).State != quire.Succeeded {
		t.Errorf("follow after the end: %v", err)
	}
	if _, err := os.Stat(id.RunDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the run folder is left: %v", err)
	}
}

// TestPredecessorIsCleanedUp: it was killed before anybody knew of it.
func TestPredecessorIsCleanedUp(t *testing.T) {
	b := newBackend(t)
	job := newJob(t, "")
	before := executor.Identity{ExecutionID: job.ExecutionID, PID: 1 << 30, Started: "1", Attempt: 1, Dir: job.Dir, RunDir: shortDir(t)}
	data, err := json.Marshal(before)
	if err := errors.Join(err, os.WriteFile(filepath.Join(job.Dir, "executor.json"), data, 0o600)); err != nil {
		t.Fatal(err)
	}
	h, _ := start(t, b, job)
	if err := await(t, "end", follow(t, b, job, h).err); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(before.RunDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the predecessor's run folder is left: %v", err)
	}
}

// TestAttemptIsNotBegunTwice: the server died with the executor, and had not
// stored its handle.
func TestAttemptIsNotBegunTwice(t *testing.T) {
	b := newBackend(t)
	job := newJob(t, "import time; time.sleep(600)")
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	if err := unix.Kill(id.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := await(t, "end", f.err); !errors.Is(err, dispatch.ErrExecutorGone) {
		t.Fatal(err)
	}
	again, other := start(t, b, job)
	if diff := cmp.Diff(id, other); diff != "" {
		t.Errorf("the next start gave %s, want the executor that is dead, %s", again, h)
	}
	if err := await(t, "end", follow(t, b, job, again).err); !errors.Is(err, dispatch.ErrExecutorGone) {
		t.Errorf("got %v, want ErrExecutorGone", err)
	}
}

func TestStop(t *testing.T) {
	b := newBackend(t)
	job := newJob(t, "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        pass")
	h, _ := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	asked := time.Now()
	if err := b.Stop(t.Context(), h, quire.Failure{Kind: quire.Cancelled, Message: "enough"}); err != nil {
		t.Fatal(err)
	}
	if err := await(t, "end", f.err); err != nil {
		t.Fatal(err)
	}
	if last := <-f.last; last.State != quire.Aborted || last.Failure.Message != "enough" {
		t.Errorf("got %+v", last)
	}
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := b.Stop(t.Context(), h, quire.Failure{}); err != nil {
		t.Errorf("stop after the end: %v", err)
	}
}

func TestExecutorIsKilled(t *testing.T) {
	b := newBackend(t)
	job := newJob(t, `
import subprocess, time
p = subprocess.Popen(["sleep", "600"], start_new_session=True)
open("pid", "w").write(str(p.pid))
print("started", flush=True)
time.sleep(600)`)
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	child := childOf(t, filepath.Join(job.WorkDir, "pid"))
	if err := unix.Kill(id.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := await(t, "end", f.err); !errors.Is(err, dispatch.ErrExecutorGone) {
		t.Fatalf("got %v, want ErrExecutorGone", err)
	}
	for range 2 { // it is idempotent
		if err := b.Clean(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	awaitExit(t, child)
	if _, err := os.Stat(id.RunDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the run folder is left: %v", err)
	}
}

// childOf returns a process whose id is in the file, once it is there.
func childOf(t *testing.T, path string) int {
	t.Helper()
	for deadline := time.After(patience); ; {
		data, _ := os.ReadFile(path)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			return pid
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("the notebook started no process")
		}
	}
}

func awaitExit(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 2000)
	if err != nil || n == 0 {
		t.Errorf("process %d of the notebook lives on: %v", pid, err)
	}
}

func TestHandleThatIsNone(t *testing.T) {
	b := newBackend(t)
	for _, handle := range []string{``, `"?"`, `null`, `{}`, `{"executionId":"e","pid":1,"started":"1","dir":"/","runDir":"/"}`} {
		h := quire.Handle(handle)
		for name, err := range map[string]error{
			"follow": b.Follow(t.Context(), h, func(int64) { t.Error("something is durable") }),
			"stop":   b.Stop(t.Context(), h, quire.Failure{}),
			"clean":  b.Clean(t.Context(), h),
		} {
			if !errors.Is(err, dispatch.ErrExecutorGone) {
				t.Errorf("%s by the handle %q: got %v, want that there is no executor", name, handle, err)
			}
		}
	}
}

func TestStartFails(t *testing.T) {
	job := quire.Job{Dir: t.TempDir()}
	if _, err := newBackend(t).Start(t.Context(), job); err == nil || !strings.Contains(err.Error(), "executor.log") {
		t.Errorf("got %v, want an error that names the log", err)
	}
}

func TestKernelEnv(t *testing.T) {
	environ := []string{"PATH=/bin", "HOME=/home/q", "LC_ALL=C", "QUIRE_TOKEN=secret", "AWS_SECRET=s", "AWS_REGION=eu"}
	got := strings.Join(local.KernelEnv(environ, []string{"AWS_REGION"}, "/env/bin/python"), " ")
	if want := "PATH=/env/bin:/bin HOME=/home/q LC_ALL=C AWS_REGION=eu"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFollowerThatSleeps is hung up on by the executor, which goes on.
func TestFollowerThatSleeps(t *testing.T) {
	b := newBackend(t)
	dir := t.TempDir()
	id := executor.Identity{ExecutionID: "e", PID: os.Getpid(), Started: "1", Dir: dir, RunDir: shortDir(t)}
	socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", id.Socket())
	if err != nil {
		t.Fatal(err)
	}
	h, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	sizes := make(chan int64, 10)
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- b.Follow(ctx, h, func(size int64) { sizes <- size }) }()
	for _, hello := range []string{`{"durable":5}`, `{"durable":5} {"durable":9}`} {
		conn, err := socket.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(hello)); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	for _, want := range []int64{5, 9} {
		if got := await(t, "size", sizes); got != want {
			t.Errorf("got the size %d, want %d", got, want)
		}
	}
	cancel()
	if err := await(t, "end", end); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_ = socket.Close()
}

// TestStopOfAnExecutorThatHangs ends with its context.
func TestStopOfAnExecutorThatHangs(t *testing.T) {
	b := newBackend(t)
	id := executor.Identity{ExecutionID: "e", PID: os.Getpid(), Started: "1", Dir: t.TempDir(), RunDir: shortDir(t)}
	socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", id.Socket()) // it accepts nobody
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	h, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- b.Stop(ctx, h, quire.Failure{Kind: quire.Cancelled}) }()
	if err := await(t, "end", end); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// shortDir is a folder whose name leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "quire-") //nolint:usetesting // t.TempDir's names are too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

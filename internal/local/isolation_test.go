package local_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/dispatch"
	"quire/internal/executor"
	"quire/internal/journal"
	"quire/internal/local"
)

// newHost is this machine, as a server finds it.
func newHost(t *testing.T) *local.Host {
	t.Helper()
	h, err := local.OpenHost(t.TempDir(), local.HostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// isolate adds to a job what keeps it apart on a real machine.
func isolate(t *testing.T, h *local.Host, job *quire.Job) {
	t.Helper()
	job.Isolation = h.Isolation(job.ExecutionID, job.Attempt, quire.Spec{CPUs: 1, MemoryGB: 1})
	if job.Isolation.Tmp != quire.MountedTmp {
		t.Fatalf("got %+v: the tests need root, or user namespaces", job.Isolation)
	}
	rewrite(t, *job)
}

// bound does the same, by a control group with these limits; 0 means the host's.
func bound(t *testing.T, h *local.Host, job *quire.Job, memory int64, processes int) {
	t.Helper()
	isolate(t, h, job)
	b := &job.Isolation.Bounds
	if !strings.HasPrefix(b.By, "cgroup") {
		t.Fatalf("got %+v: the tests need root, or a delegated control group", *b)
	}
	if memory > 0 {
		b.MemoryBytes = memory
	}
	if processes > 0 {
		b.Processes = processes
	}
	rewrite(t, *job)
}

func rewrite(t *testing.T, job quire.Job) {
	t.Helper()
	data, err := json.Marshal(job)
	if err == nil {
		err = os.WriteFile(job.JobPath(), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// finish runs the job to its end, and returns what the cell has printed.
func finish(t *testing.T, b *local.Backend, job quire.Job) (quire.Finished, string, executor.Identity) {
	t.Helper()
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	if err := await(t, "end", f.err); err != nil {
		t.Fatal(err)
	}
	end := <-f.last
	gone(t, id)
	return *end, printed(t, job), id
}

// gone checks that nothing is left of an executor.
func gone(t *testing.T, id executor.Identity) {
	t.Helper()
	for _, path := range append(id.Groups, id.RunDir) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

// printed reads what the only cell wrote after "begun".
func printed(t *testing.T, job quire.Job) string {
	t.Helper()
	r, err := journal.OpenFile(job.JournalPath(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var text strings.Builder
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, after, _ := strings.Cut(text.String(), "begun\n")
			return after
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Stream != nil {
			text.WriteString(e.Stream.Text)
		}
	}
}

func TestOutOfMemory(t *testing.T) {
	const limit = 300 << 20
	hog := "b'x' * (600 << 20)"
	for _, tt := range []struct {
		name, source string
		kind         quire.FailureKind
		message      string
	}{
		{"the kernel", "x = " + hog, quire.KernelDied, "the kernel ran out of memory: its limit is 300 MiB (peak 300 MiB) and the system killed it"},
		{
			"a process that it started", "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"x = " + hog + "\"], check=True)",
			quire.CellFailed, "the cell raised CalledProcessError; meanwhile the system killed a process of the notebook for want of memory (limit 300 MiB, peak 300 MiB)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, tt.source)
			bound(t, newHost(t), &job, limit, 0)
			end, _, _ := finish(t, newBackend(t), job)
			f := end.Failure
			if end.State != quire.Failed || f.Kind != tt.kind || f.Message != tt.message || f.MemoryLimit != limit {
				t.Errorf("got %+v", f)
			}
			if f.Kind == quire.KernelDied && (f.PeakMemory == 0 || f.Signal != "SIGKILL") {
				t.Errorf("got %+v, want the peak and the signal", f)
			}
		})
	}
}

// TestKernelKilledByHand is not mistaken for one that ran out of memory.
func TestKernelKilledByHand(t *testing.T) {
	job := newJob(t, "import os; os.kill(os.getpid(), 9)")
	bound(t, newHost(t), &job, 0, 0)
	end, _, _ := finish(t, newBackend(t), job)
	f := end.Failure
	if f.Kind != quire.KernelDied || !strings.HasPrefix(f.Message, "the kernel died: signal SIGKILL (peak memory ") || f.MemoryLimit != 0 || f.PeakMemory == 0 {
		t.Errorf("got %+v", f)
	}
}

func TestForkBomb(t *testing.T) {
	const most = 80
	job := newJob(t, `
import subprocess
started = 0
try:
    while started < 1000:
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        started += 1
except OSError as e:
    print(started, type(e).__name__)`)
	bound(t, newHost(t), &job, 0, most)
	end, text, _ := finish(t, newBackend(t), job)
	if end.State != quire.Succeeded {
		t.Fatalf("got %+v", end.Failure)
	}
	n, _, _ := strings.Cut(text, " ")
	if started, err := strconv.Atoi(n); err != nil || started < 10 || started >= most {
		t.Errorf("got %q, want fewer than %d processes and an error", text, most)
	}
}

func TestBoundsAreSetAndTold(t *testing.T) {
	b := newBackend(t)
	job := newJob(t, "import time; time.sleep(600)")
	bound(t, newHost(t), &job, 512<<20, 100)
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	for _, want := range []struct{ v1, v2, content string }{
		{"memory.limit_in_bytes", "memory.max", "536870912"},
		{"pids.max", "pids.max", "100"},
		{"cpu.cfs_quota_us", "cpu.max", "100000"},
	} {
		if got := held(id, want.v1, want.v2); !strings.HasPrefix(got, want.content) {
			t.Errorf("%s: got %q, want %s", want.v1, got, want.content)
		}
	}
	r, err := journal.OpenFile(job.JournalPath(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var told *quire.Bounds
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		if e.KernelStarting != nil {
			told = e.KernelStarting.Bounds
		}
	}
	want := quire.Bounds{CPUs: 1, MemoryBytes: 512 << 20, Processes: 100, By: job.Isolation.Bounds.By}
	if told == nil || *told != want {
		t.Errorf("got the bounds %+v, want %+v", told, want)
	}
}

// The group counts what the kernel's processes use, those too that have left it
// behind, and what was in use before anyone looked.
func TestUsageOfTheGroup(t *testing.T) {
	host, b := newHost(t), newBackend(t)
	job := newJob(t, `
import subprocess, sys
subprocess.run([sys.executable, "-c", "x = b'x' * (200 << 20); sum(range(5_000_000))"], start_new_session=True)
`)
	bound(t, host, &job, 0, 0)
	if end, text, _ := finish(t, b, job); end.State != quire.Succeeded {
		t.Fatalf("got %+v %q", end.Failure, text)
	}
	r, err := journal.OpenFile(job.JournalPath(), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Only("usage")
	var used []quire.Usage
	for e, err := r.Next(); !errors.Is(err, io.EOF); e, err = r.Next() {
		if err != nil {
			t.Fatal(err)
		}
		used = append(used, *e.Usage)
	}
	if len(used) < 2 {
		t.Fatalf("got %+v, want the first and the last", used)
	}
	first, last := used[0], used[len(used)-1]
	if first.MemoryBytes <= 0 || last.PeakMemory < 200<<20 || last.PeakMemory < last.MemoryBytes || last.CPUSeconds <= first.CPUSeconds {
		t.Errorf("got %+v, then %+v", first, last)
	}
}

// held reads a file of the group.
func held(id executor.Identity, names ...string) string {
	for _, dir := range id.Groups {
		for _, name := range names {
			if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				return string(data)
			}
		}
	}
	return ""
}

func TestPrivateTmp(t *testing.T) {
	outside := filepath.Join("/tmp", "quire-test-outside-"+strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(outside) })
	host, b := newHost(t), newBackend(t)
	source := `
import os, tempfile
print(os.path.exists("` + outside + `"), tempfile.gettempdir(), os.environ.get("TMPDIR"), oct(os.stat("/tmp").st_mode))
print(sorted(n for d in ("/tmp", "/var/tmp") for n in os.listdir(d) if n.startswith("mine")))
print(os.path.exists("input"), open("../data.txt").read())
for d in ("/tmp", "/var/tmp"):
    os.makedirs(f"{d}/mine/locked/x")
    open(d + "/mine.txt", "w").write("x")
    os.chmod(f"{d}/mine/locked", 0)
`
	for range 2 { // the second would see what the first had left
		job := newJob(t, source)
		// The notebook lies in a folder of its project, and the project below /tmp.
		project := job.WorkDir
		job.WorkDir, job.Notebook = filepath.Join(project, "sub"), "sub/test.ipynb"
		job.Env = append(job.Env, "TMPDIR="+t.TempDir())
		if err := errors.Join(os.Mkdir(job.WorkDir, 0o700), os.WriteFile(filepath.Join(project, "data.txt"), []byte("data"), 0o600)); err != nil {
			t.Fatal(err)
		}
		isolate(t, host, &job)
		end, text, _ := finish(t, b, job)
		if want := "False /tmp None 0o41777\n[]\nFalse data\n"; end.State != quire.Succeeded || text != want {
			t.Errorf("got %+v %q, want %q", end.Failure, text, want)
		}
	}
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		if found, _ := filepath.Glob(dir + "/mine*"); len(found) > 0 {
			t.Errorf("got %v outside", found)
		}
	}
}

// TestNamedTmp is where nothing can be mounted.
func TestNamedTmp(t *testing.T) {
	job := newJob(t, "import tempfile; print(tempfile.gettempdir()); open(tempfile.gettempdir() + '/x', 'w')")
	isolate(t, newHost(t), &job)
	job.Isolation.Tmp = quire.NamedTmp
	rewrite(t, job)
	end, text, id := finish(t, newBackend(t), job)
	if want := filepath.Join(id.RunDir, "tmp") + "\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
}

func TestRlimits(t *testing.T) {
	job := newJob(t, `
import os, resource
print(resource.getrlimit(resource.RLIMIT_DATA), len(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_NPROC)[0] >= 4096)
try:
    x = b"x" * (900 << 20)
except MemoryError:
    print("refused")`)
	job.Isolation = quire.Isolation{Bounds: quire.Bounds{CPUs: 1, MemoryBytes: 800 << 20, Processes: 4096, By: "rlimit"}}
	rewrite(t, job)
	end, text, _ := finish(t, newBackend(t), job)
	if want := "(838860800, 838860800) 1 True\nrefused\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
}

// TestNothingIsInherited of what this process has open and in its environment.
func TestNothingIsInherited(t *testing.T) {
	t.Setenv("QUIRE_TOKEN", "a-secret-of-the-server")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-server")
	file, err := os.Open("/etc/hostname")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	open, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, 40) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(open)
	b := newBackend(t)
	job := newJob(t, `
import os, subprocess, time
fds = {}
for fd in os.listdir("/proc/self/fd"):
    try: fds[int(fd)] = os.readlink(f"/proc/self/fd/{fd}")
    except OSError: pass
child = subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout.split()
child2 = subprocess.Popen(["sleep", "600"])
open("pid", "w").write(str(child2.pid))
print([p for p in fds.values() if "hostname" in p], child)
time.sleep(600)`)
	isolate(t, newHost(t), &job)
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	text := ""
	for deadline := time.After(patience); !strings.HasSuffix(text, "\n"); text = printed(t, job) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("the cell printed nothing")
		}
	}
	if want := "[] ['0', '1', '2', '3']\n"; text != want { // 3 is of ls itself
		t.Errorf("got the descriptors %q, want %q", text, want)
	}
	for _, pid := range []int{id.PID, childOf(t, filepath.Join(job.WorkDir, "pid"))} {
		env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(env), "a-secret-of-the-server") {
			t.Errorf("process %d has the server's environment", pid)
		}
	}
}

// TestExecutorIsKilledWithDaemons has processes that have hidden in every way:
// a session of their own, no parent, no environment.
func TestExecutorIsKilledWithDaemons(t *testing.T) {
	host, b := newHost(t), newBackend(t)
	job := newJob(t, `
import os, subprocess, time
open("/tmp/left", "w").write("x")
subprocess.run(["sh", "-c", """
env -i setsid sh -c 'echo $$ >> pids; exec sleep 600' &
(setsid env -i sh -c 'echo $$ >> pids; (setsid sh -c "echo \\$\\$ >> pids; exec sleep 600" &) ; exec sleep 600' &)
"""], cwd=os.getcwd())
while len(open("pids").read().split()) < 3 if os.path.exists("pids") else True:
    time.sleep(0.01)
print("started", flush=True)
open("started", "w")
time.sleep(600)`)
	bound(t, host, &job, 0, 0)
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	awaitFile(t, filepath.Join(job.WorkDir, "started"))
	data, err := os.ReadFile(filepath.Join(job.WorkDir, "pids"))
	if err != nil {
		t.Fatal(err)
	}
	var fds []unix.PollFd
	for text := range strings.FieldsSeq(string(data)) {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
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
	for i := range fds {
		if n, err := unix.Poll(fds[i:i+1], 0); n != 1 {
			t.Errorf("daemon %d lives on: %v", i, err)
		}
	}
	gone(t, id)
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	for deadline := time.After(patience); ; {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("no %s", filepath.Base(path))
		}
	}
}

// TestSweep removes the group of an executor that is gone, and of none else.
func TestSweep(t *testing.T) {
	host, b := newHost(t), newBackend(t)
	living, dead := newJob(t, "import time; time.sleep(600)"), newJob(t, "import time; time.sleep(600)")
	folders := map[quire.ExecutionID]string{living.ExecutionID: living.Dir, dead.ExecutionID: dead.Dir}
	ids := map[quire.ExecutionID]executor.Identity{}
	for _, job := range []*quire.Job{&living, &dead} {
		bound(t, host, job, 0, 0)
		h, id := start(t, b, *job)
		ids[job.ExecutionID] = id
		await(t, "output", follow(t, b, *job, h).begun)
	}
	if err := unix.Kill(ids[dead.ExecutionID].PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitExit(t, ids[dead.ExecutionID].PID)
	if err := host.Sweep(t.Context(), func(id quire.ExecutionID) string { return folders[id] }); err != nil {
		t.Fatal(err)
	}
	for _, dir := range ids[dead.ExecutionID].Groups {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	if pids := held(ids[living.ExecutionID], "cgroup.procs"); pids == "" {
		t.Error("the living execution's processes were ended")
	}
}

func TestIsolationClamps(t *testing.T) {
	h, err := local.OpenHost(t.TempDir(), local.HostOptions{Processes: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	big := h.Isolation("e", 2, quire.Spec{CPUs: 100_000, MemoryGB: 1 << 20}).Bounds
	small := h.Isolation("e", 2, quire.Spec{CPUs: 1, MemoryGB: 1}).Bounds
	none := h.Isolation("e", 2, quire.Spec{}).Bounds
	if !big.Clamped || small.Clamped || none.Clamped || big.CPUs < 1 || big.CPUs != none.CPUs || big.MemoryBytes != none.MemoryBytes || big.MemoryBytes < 1<<30 {
		t.Errorf("got %+v, %+v, %+v", big, small, none)
	}
	if small.CPUs != 1 || small.MemoryBytes != 1<<30 || small.Processes != 7 {
		t.Errorf("got %+v", small)
	}
}

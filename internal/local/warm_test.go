package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/testenv"
	"quire/internal/warm"
)

// offer makes the job's kernel one that can be forked.
func offer(t *testing.T, job *quire.Job) {
	t.Helper()
	pool := warm.New(nil)
	t.Cleanup(pool.Close)
	key := warm.Key{Python: testenv.Python(t), Env: job.Env}
	job.Warm = &quire.WarmKernel{Python: key.Python, Socket: pool.Wait(key)}
	if job.Warm.Socket == "" {
		t.Fatal("there is no fork server")
	}
}

// wantForked looks into the executor's log.
func wantForked(t *testing.T, job quire.Job) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(job.Dir, "executor.log"))
	if err != nil || !strings.Contains(string(log), "kernel is forked") {
		t.Errorf("the kernel was not forked: %v %s", err, log)
	}
}

// TestForkedKernelIsIsolated as one that was started by the executor.
func TestForkedKernelIsIsolated(t *testing.T) {
	outside := filepath.Join("/tmp", "quire-test-outside-forked-"+filepath.Base(t.TempDir()))
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(outside) })
	job := newJob(t, `
import os, subprocess
print(os.path.exists("`+outside+`"), os.environ.get("TMPDIR"), oct(os.stat("/tmp").st_mode), os.path.exists(os.getcwd()))
print(any(n.startswith("quire-warm-") for n in os.listdir("/tmp")))
print(all(line.split(":")[2].strip().endswith("-1") for line in open("/proc/self/cgroup") if "memory" in line.split(":")[1] or line.startswith("0::/") and not os.path.exists("/sys/fs/cgroup/memory")))
started = 0
try:
    while started < 1000:
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        started += 1
except OSError as e:
    print(10 < started < 80)`)
	offer(t, &job)
	bound(t, newHost(t), &job, 0, 80)
	end, text, _ := finish(t, newBackend(t), job)
	wantForked(t, job)
	if want := "False None 0o41777 True\nFalse\nTrue\nTrue\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
}

func TestForkedKernelRunsOutOfMemory(t *testing.T) {
	job := newJob(t, "x = b'x' * (600 << 20)")
	offer(t, &job)
	bound(t, newHost(t), &job, 300<<20, 0)
	end, _, _ := finish(t, newBackend(t), job)
	wantForked(t, job)
	if f := end.Failure; end.State != quire.Failed || f.Kind != quire.KernelDied || !strings.Contains(f.Message, "ran out of memory: its limit is 300 MiB") {
		t.Errorf("got %+v", end.Failure)
	}
}

func TestForkedKernelHasRlimits(t *testing.T) {
	job := newJob(t, `
import os, resource
print(resource.getrlimit(resource.RLIMIT_DATA), len(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_NPROC)[0] >= 4096)`)
	offer(t, &job)
	job.Isolation = quire.Isolation{Bounds: quire.Bounds{CPUs: 1, MemoryBytes: 800 << 20, Processes: 4096, By: "rlimit"}}
	rewrite(t, job)
	end, text, _ := finish(t, newBackend(t), job)
	wantForked(t, job)
	if want := "(838860800, 838860800) 1 True\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
}

// TestForkedKernelEndsWithItsExecutor kills that, as a crash would.
func TestForkedKernelEndsWithItsExecutor(t *testing.T) {
	job := newJob(t, "import os, subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True); print(os.getpid(), flush=True); open('/proc/self/fd/0').read(); import time; time.sleep(600)")
	offer(t, &job)
	isolate(t, newHost(t), &job)
	b := newBackend(t)
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	wantForked(t, job)
	if err := unix.Kill(id.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-f.err; err == nil {
		t.Error("got an orderly end")
	}
	if err := b.Clean(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), "QUIRE_EXECUTION_ID="+string(job.ExecutionID)+"\x00") {
			t.Errorf("%s is left", path)
		}
	}
}

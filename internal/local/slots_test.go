package local_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/cgroup"
	"quire/internal/executor"
	"quire/internal/local"
)

// newSlots gives the backend a slot for jobs like this one, and waits for it.
func newSlots(t *testing.T, b *local.Backend, job quire.Job) (pid int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template := quire.Job{KernelPath: job.KernelPath, Env: job.Env, Warm: job.Warm}
	template.Isolation.Tmp = job.Isolation.Tmp
	for _, group := range job.Isolation.Groups {
		template.Isolation.Groups = append(template.Isolation.Groups, filepath.Join(filepath.Dir(group), executor.SlotGroup))
	}
	b.Slots = local.NewSlots(1, []string{self, "executor", "--wait"}, []string{"PATH=" + os.Getenv("PATH")},
		func() (quire.Job, bool) { return template, true }, slog.New(slog.NewTextHandler(t.Output(), nil)))
	filled := b.Slots.Filled()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.Slots.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return await(t, "slot", filled)
}

func wantWaited(t *testing.T, job quire.Job, want bool) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(job.Dir, "executor.log"))
	if got := strings.Contains(string(log), "kernel is forked, and has waited"); err != nil || got != want {
		t.Errorf("the kernel has waited: got %v, want %v: %v %s", got, want, err, log)
	}
}

// TestSlotIsIsolated gives a job to a kernel that has waited for it.
func TestSlotIsIsolated(t *testing.T) {
	job := newJob(t, `
import os, subprocess
print(os.environ.get("TMPDIR"), oct(os.stat("/tmp").st_mode), os.environ["QUIRE_EXECUTION_ID"], os.environ["NUMBER"])
print(any(n.startswith("quire-warm-") for n in os.listdir("/tmp")))
print(all("/slot." in line for line in open("/proc/self/cgroup") if "memory" in line.split(":")[1] or line.startswith("0::/") and not os.path.exists("/sys/fs/cgroup/memory")))
started = 0
try:
    while started < 1000:
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        started += 1
except OSError as e:
    print(10 < started < 80)
print(os.getcwd())`)
	offer(t, &job)
	job.Inputs = map[string]any{"NUMBER": 3}
	job.WorkDir = "/" // the test's own folder lies in what is covered
	bound(t, newHost(t), &job, 0, 80)
	b := newBackend(t)
	pid := newSlots(t, b, job)
	end, text, id := finish(t, b, job)
	if want := "None 0o41777 " + string(job.ExecutionID) + " 3\nFalse\nTrue\nTrue\n/\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
	wantWaited(t, job, true)
	if id.PID != pid {
		t.Errorf("got the executor %d, want that which has waited, %d", id.PID, pid)
	}
	if left := id.Group().Paths(); len(id.Groups) == 0 || len(left) > 0 {
		t.Errorf("of the groups %v are left: %v", id.Groups, left)
	}
}

// TestSweepKnowsSlots that wait from those that are gone.
func TestSweepKnowsSlots(t *testing.T) {
	h := newHost(t)
	job := newJob(t, "print(1)")
	offer(t, &job)
	isolate(t, h, &job)
	pid := newSlots(t, newBackend(t), job)
	lives := groups(h, fmt.Sprint(pid))
	gone := groups(h, "1.0") // process 1 has started at another time
	if _, err := cgroup.Create(gone, cgroup.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Sweep(t.Context(), func(quire.ExecutionID) string { return t.TempDir() }); err != nil {
		t.Fatal(err)
	}
	if left := cgroup.Find(gone).Paths(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	for _, path := range lives {
		if found, err := filepath.Glob(path + ".*/cgroup.procs"); err != nil || len(found) != 1 {
			t.Errorf("%s: got %v, %v: the waiting kernel's group is gone", path, found, err)
		}
	}
}

func groups(h *local.Host, name string) (paths []string) {
	for _, path := range h.SlotIsolation().Groups {
		paths = append(paths, path+name)
	}
	return paths
}

// TestSlotIsNotForTheJob whose environment was read when the slot started.
func TestSlotIsNotForTheJob(t *testing.T) {
	job := newJob(t, "import sys, os; print(sys.flags.hash_randomization, os.environ['PYTHONHASHSEED'])")
	offer(t, &job)
	job.Inputs = map[string]any{"PYTHONHASHSEED": 0}
	rewrite(t, job)
	b := newBackend(t)
	newSlots(t, b, job)
	end, text, _ := finish(t, b, job)
	if want := "0 0\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
	wantWaited(t, job, false)
}

// TestSlotIsKilled before it gets a job: that costs its start.
func TestSlotIsKilled(t *testing.T) {
	job := newJob(t, "print(1)")
	offer(t, &job)
	b := newBackend(t)
	pid := newSlots(t, b, job)
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil { // so that it cannot be seen to be gone
		t.Fatal(err)
	}
	go func() { _ = unix.Kill(pid, unix.SIGKILL) }()
	end, text, id := finish(t, b, job)
	if end.State != quire.Succeeded || text != "1\n" || id.PID == pid {
		t.Errorf("got %+v %q by %d", end.Failure, text, id.PID)
	}
	wantWaited(t, job, false)
}

// TestSlotEndsWithItsServer and leaves nothing.
func TestSlotEndsWithItsServer(t *testing.T) {
	job := newJob(t, "print(1)")
	offer(t, &job)
	b := newBackend(t)
	var pid int
	var dirs []string
	t.Run("server", func(t *testing.T) {
		pid = newSlots(t, b, job)
		var err error
		if dirs, err = filepath.Glob(fmt.Sprintf("/proc/%d/root/tmp/quire-*/kernel/connection.json", pid)); err != nil || len(dirs) == 0 {
			t.Fatalf("got %q, %v", dirs, err)
		}
	})
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the slot's executor: got %v", err)
	}
}

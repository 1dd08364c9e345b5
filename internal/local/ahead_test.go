package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/executor"
	"quire/internal/local"
	"quire/nbformat"
)

// bashJob is a notebook of Bash that begins by a line of output.
func bashJob(t *testing.T, source string) quire.Job {
	t.Helper()
	job := newJob(t, "")
	nb := &nbformat.Notebook{Major: 4, Minor: 5, Metadata: nbformat.Object{}, Cells: []*nbformat.Cell{
		{Type: nbformat.Code, ID: "only", Source: "echo begun\n" + source, Metadata: nbformat.Object{}},
	}}
	nb.Metadata["kernelspec"] = json.RawMessage(`{"name": "Bash", "display_name": "Bash", "language": "bash"}`)
	f, err := os.Create(job.InputPath())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(nbformat.Write(f, nb), f.Close()); err != nil {
		t.Fatal(err)
	}
	return job
}

// newAhead keeps a kernel of Bash started for jobs like this one, and returns
// the channel that tells of each executor that waits.
func newAhead(t *testing.T, b *local.Backend, h *local.Host, job quire.Job) <-chan int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	jobs := &local.Jobs{KernelPath: job.KernelPath, Env: job.Env, Host: h}
	template, err := jobs.AheadTemplate("BASH")
	if err != nil {
		t.Fatal(err)
	}
	slots := local.NewSlots(1, []string{self, "executor", "--wait"}, []string{"PATH=" + os.Getenv("PATH")},
		func() (quire.Job, bool) { return template, true }, slog.New(slog.NewTextHandler(t.Output(), nil)))
	b.Ahead = map[string]*local.Slots{"bash": slots}
	filled := slots.Filled()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); slots.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return filled
}

func waitedAhead(t *testing.T, job quire.Job) bool {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(job.Dir, "executor.log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(log), "kernel was started cold, and has waited")
}

// TestKernelStartedAheadIsIsolated as another is, the processes that it had
// started included, and the next one waits already.
func TestKernelStartedAheadIsIsolated(t *testing.T) {
	job := bashJob(t, `
echo "$QUIRE_EXECUTION_ID $NUMBER $PWD [$TMPDIR]"
ls -A /tmp | grep -c quire-
awk -F: '($2 ~ /memory/ || $1 == 0 && !system("test ! -e /sys/fs/cgroup/memory")) && $3 !~ /\/slot\.[0-9.]+$/ {print "outside"}' /proc/$$/cgroup /proc/$PPID/cgroup
awk '{print $19}' /proc/$$/stat
true`)
	job.Inputs = map[string]any{"NUMBER": 3}
	job.WorkDir = "/" // the test's own folder lies in what is covered
	h := newHost(t)
	bound(t, h, &job, 0, 80)
	b := newBackend(t)
	filled := newAhead(t, b, h, job)
	pid := await(t, "slot", filled)
	end, text, id := finish(t, b, job)
	if want := string(job.ExecutionID) + " 3 / []\n0\n10\n"; end.State != quire.Succeeded || text != want {
		t.Errorf("got %+v %q, want %q", end.Failure, text, want)
	}
	if !waitedAhead(t, job) || id.PID != pid {
		t.Errorf("got the executor %d, want that which has waited, %d", id.PID, pid)
	}
	if next := await(t, "next slot", filled); next == pid {
		t.Errorf("got the executor %d again", next)
	}
}

// TestSlotsAreKeptForTheirKernel: a notebook of Python takes none of Bash.
func TestSlotsAreKeptForTheirKernel(t *testing.T) {
	job := newJob(t, "print(1)")
	b := newBackend(t)
	pid := await(t, "slot", newAhead(t, b, nil, job))
	end, _, id := finish(t, b, job)
	if end.State != quire.Succeeded || id.PID == pid || waitedAhead(t, job) {
		t.Errorf("got %+v by the executor %d", end, id.PID)
	}
}

// TestExecutorOfAKernelStartedAheadIsKilled: what was there before the job has
// another mark than its own, and ends as well.
func TestExecutorOfAKernelStartedAheadIsKilled(t *testing.T) {
	job := bashJob(t, "trap '' HUP TERM INT; echo $$; while :; do sleep 0.05; done")
	b := newBackend(t)
	await(t, "slot", newAhead(t, b, nil, job))
	h, id := start(t, b, job)
	f := follow(t, b, job, h)
	await(t, "output", f.begun)
	if !waitedAhead(t, job) || id.WaitedAs == "" || id.WaitedAs == job.ExecutionID {
		t.Fatalf("got the identity %+v", id)
	}
	if len(marked(t, id)) == 0 {
		t.Fatal("the processes of the notebook are not known")
	}
	if err := unix.Kill(id.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-f.err; err == nil {
		t.Error("got an orderly end")
	}
	if err := b.Clean(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if left := marked(t, id); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// marked returns the processes that have one of the identity's marks.
func marked(t *testing.T, id executor.Identity) (found []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		env, err := os.ReadFile(path)
		for _, mark := range []quire.ExecutionID{id.ExecutionID, id.WaitedAs} {
			if err == nil && strings.Contains(string(env), "QUIRE_EXECUTION_ID="+string(mark)+"\x00") {
				found = append(found, path)
			}
		}
	}
	return found
}

// TestKernelDiesBeforeItsJob costs a start.
func TestKernelDiesBeforeItsJob(t *testing.T) {
	job := bashJob(t, "echo 1")
	b := newBackend(t)
	pid := await(t, "slot", newAhead(t, b, nil, job))
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil { // so that it cannot see it
		t.Fatal(err)
	}
	killed := 0
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		children, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that has ended
		}
		for child := range strings.FieldsSeq(string(children)) {
			n, err := strconv.Atoi(child)
			if err == nil {
				err = unix.Kill(n, unix.SIGKILL)
			}
			if err != nil {
				t.Fatal(err)
			}
			killed++
		}
	}
	if killed == 0 {
		t.Fatal("no kernel waits")
	}
	go func() { _ = unix.Kill(pid, unix.SIGCONT) }()
	end, text, _ := finish(t, b, job)
	if end.State != quire.Succeeded || text != "1\n" || waitedAhead(t, job) {
		t.Errorf("got %+v %q", end.Failure, text)
	}
}

func TestCannotBeStartedAhead(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "mainframe"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mainframe", "kernel.json"), []byte(`{"argv": ["x"], "language": "cobol"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	jobs := &local.Jobs{KernelPath: []string{dir}}
	for kernel, want := range map[string]string{
		"fortran":   `unknown kernel "fortran"; known are mainframe`,
		"mainframe": `kernels of the language "cobol" cannot be started ahead; those of these can: bash, julia, python, r`,
	} {
		if _, err := jobs.AheadTemplate(kernel); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

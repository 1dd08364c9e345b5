package executor_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quire"
	"quire/internal/runner"
	"quire/internal/testenv"
)

// wrap installs a kernelspec whose program is a shell that runs the kernel.
func wrap(t *testing.T, job *quire.Job, script string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "wrapped")
	argv := []string{"/bin/sh", "-c", strings.ReplaceAll(script, "KERNEL", testenv.Python(t)+` -m ipykernel_launcher -f "$0"`), "{connection_file}"}
	spec, err := json.Marshal(map[string]any{"argv": argv, "display_name": "wrapped", "language": "python"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	job.Kernel, job.KernelPath = "wrapped", append([]string{filepath.Dir(dir)}, job.KernelPath...)
}

// TestKernelBehindAWrapper dies while the program around it lives on, or
// follows it.
func TestKernelBehindAWrapper(t *testing.T) {
	const again = "while :; do KERNEL; done"
	for _, tt := range []struct {
		name, script, source, message string
		state                         quire.State
	}{
		{"restarts it", again, "import os; os.kill(os.getpid(), 9)", runner.Restarted, quire.Failed},
		{
			"restarts it while a child holds the connections", again,
			"import os, time\nif os.fork() == 0:\n    time.sleep(600)\n    os._exit(0)\nos.kill(os.getpid(), 9)", runner.Restarted, quire.Failed,
		},
		{"ends with it", "KERNEL; exit $?", "import os; os.kill(os.getpid(), 9)", "the kernel died: exit status 137", quire.Failed},
		{"has nothing to do", "KERNEL; exit $?", "print('hello')", "", quire.Succeeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, "python3", cell("x = 1"), cell(tt.source), cell("print('never')"))
			wrap(t, &job, tt.script)
			r := run(t, t.Context(), job, nil)
			if r.end.State != tt.state {
				t.Fatalf("got %+v %+v, want %s", r.end, r.end.Failure, tt.state)
			}
			if f := r.end.Failure; f != nil && (f.Kind != quire.KernelDied || !strings.HasPrefix(f.Message, tt.message) || *f.Cell != 1) {
				t.Errorf("got %+v, want %q", f, tt.message)
			}
			if got := text(r.notebook.Cells[2]); (got == "") != (tt.state == quire.Failed) {
				t.Errorf("the next cell has put out %q", got)
			}
		})
	}
}

// TestKernelDiesBeforeItsAnswer is told why, though a kernel's connections are
// closed a moment before its end is known.
func TestKernelDiesBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	job := newJob(t, "python3", cell("print('never')"))
	const hear = `import json, sys, zmq
info = json.load(open(sys.argv[1]))
def bind(kind, name):
    s = zmq.Context.instance().socket(kind)
    s.bind("ipc://%s-%d" % (info["ip"], info[name + "_port"]))
    return s
sockets = [bind(zmq.ROUTER, n) for n in ("stdin", "control", "shell")] + [bind(zmq.REP, "hb"), bind(zmq.PUB, "iopub")]
sockets[2].recv()`
	job.Run.StartTimeout = 20 * time.Second
	wrap(t, &job, testenv.Python(t)+" -c '"+hear+`' "$0"; kill -KILL $$`)
	r := run(t, t.Context(), job, nil)
	const want = "the kernel wrapped did not start: signal SIGKILL"
	if f := r.end.Failure; f == nil || !strings.HasPrefix(f.Message, want) {
		t.Errorf("got %+v, want %q", f, want)
	}
}

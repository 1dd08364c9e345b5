package executor_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/runner"
	"quire/internal/testenv"
	"quire/internal/warm"
)

// kernelEnv is an environment that a fork server and a job can share.
func kernelEnv(t *testing.T) []string {
	t.Helper()
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
}

// TestForkedKernelsDrawDifferentNumbers looks at everything that is random in
// a new process, in two forks of one server.
func TestForkedKernelsDrawDifferentNumbers(t *testing.T) {
	env := kernelEnv(t)
	offer := warmed(t, env)
	source := `import random, secrets, uuid, tempfile, os, multiprocessing, numpy, ssl
print(random.random()); print(numpy.random.rand()); print(numpy.random.default_rng().random())
print(uuid.uuid4()); print(uuid.uuid1()); print(secrets.token_hex()); print(os.urandom(8)); print(ssl.RAND_bytes(8))
print(bytes(multiprocessing.current_process().authkey)); print(next(tempfile._get_candidate_names())); print(random.SystemRandom().random())
print(get_ipython().kernel.session.session); print(get_ipython().kernel.ident)`
	var lines [2][]string
	for i := range lines {
		job := newJob(t, "python3", cell(source))
		job.Env, job.Warm = env, offer
		r, log := runLogged(t, job)
		wantForked(t, log, true)
		lines[i] = strings.Split(strings.TrimSpace(text(r.notebook.Cells[0])), "\n")
	}
	if len(lines[0]) != 13 || len(lines[1]) != 13 {
		t.Fatalf("got %q", lines)
	}
	for i := range lines[0] {
		if lines[0][i] == lines[1][i] {
			t.Errorf("line %d: both draw %s", i, lines[0][i])
		}
	}
}

func TestForkedKernelEnds(t *testing.T) {
	env := kernelEnv(t)
	offer := warmed(t, env)
	for _, tt := range []struct {
		name   string
		source string
		state  quire.State
		kind   quire.FailureKind
		signal string
		exit   int
	}{
		{"sys.exit(0)", "import sys; sys.exit(0)", quire.Succeeded, "", "", 0},
		{"quit", "quit()", quire.Succeeded, "", "", 0},
		{"sys.exit(3)", "import sys; sys.exit(3)", quire.Failed, quire.CellFailed, "", 0},
		{"killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", quire.Failed, quire.KernelDied, "SIGKILL", 0},
		{"group killed", "import os, signal; os.killpg(0, signal.SIGTERM)", quire.Failed, quire.KernelDied, "SIGTERM", 0},
		{"segfault", "import ctypes; ctypes.string_at(0)", quire.Failed, quire.KernelDied, "SIGSEGV", 0},
		{"os._exit", "import os; os._exit(9)", quire.Failed, quire.KernelDied, "", 9},
		{"keeper killed", "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(60)", quire.Failed, quire.KernelDied, "SIGKILL", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			job := newJob(t, "python3", cell(tt.source), cell("print('never')"))
			job.Env, job.Warm = env, offer
			r, log := runLogged(t, job)
			wantForked(t, log, true)
			if r.end.State != tt.state {
				t.Fatalf("got %s, want %s: %+v", r.end.State, tt.state, r.end.Failure)
			}
			if f := r.end.Failure; f != nil && (f.Kind != tt.kind || f.Signal != tt.signal || (tt.exit != 0 && *f.ExitStatus != tt.exit)) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestForkedKernelIsInterrupted(t *testing.T) {
	env := kernelEnv(t)
	offer := warmed(t, env)
	for name, source := range map[string]string{
		"in a sleep":       "import time\ntry:\n    print('in', flush=True); time.sleep(60)\nfinally: print('out')",
		"in a computation": "try:\n    print('in', flush=True)\n    while True: pass\nfinally: print('out')",
		"in a child":       "import subprocess\ntry:\n    print('in', flush=True); subprocess.run(['sleep', '60'])\nfinally: print('out')",
	} {
		t.Run(name, func(t *testing.T) {
			job := newJob(t, "python3", cell(source))
			job.Env, job.Warm = env, offer
			ctx, cancel := context.WithCancelCause(t.Context())
			r := run(t, ctx, job, func(e quire.Event) {
				if e.Stream != nil {
					cancel(&runner.Stop{Failure: quire.Failure{Kind: quire.Cancelled, Message: "cancelled"}})
				}
			})
			if r.end.State != quire.Aborted {
				t.Errorf("got %+v", r.end)
			}
			if got := text(r.notebook.Cells[0]); got != "in\nout\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestForkedKernelLeavesNothingRunning starts daemons in every way.
func TestForkedKernelLeavesNothingRunning(t *testing.T) {
	env := kernelEnv(t)
	job := newJob(t, "python3", cell(`import os, subprocess, time
subprocess.Popen(['sleep', '600'])
subprocess.Popen(['sleep', '600'], start_new_session=True)
subprocess.run('setsid sh -c "sleep 600 & sleep 600" >/dev/null 2>&1 </dev/null &', shell=True)
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(w, b'x')
        time.sleep(600)
    os._exit(0)
os.read(r, 1)
print('started')`))
	job.Env, job.Warm = env, warmed(t, env)
	r, log := runLogged(t, job)
	wantForked(t, log, true)
	if got := text(r.notebook.Cells[0]); got != "started\n" {
		t.Fatalf("got %q", got)
	}
	if left := marked(t, job.ExecutionID); len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
}

// marked returns the processes that carry the execution's id.
func marked(t *testing.T, id quire.ExecutionID) (commands []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), "QUIRE_EXECUTION_ID="+string(id)+"\x00") {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			commands = append(commands, string(command))
		}
	}
	return commands
}

// TestColdIsTheWayOut offers what cannot be had.
func TestColdIsTheWayOut(t *testing.T) {
	env := kernelEnv(t)
	offer := warmed(t, env)
	for _, tt := range []struct {
		name   string
		change func(*quire.Job)
	}{
		{"nobody there", func(j *quire.Job) { j.Warm = &quire.WarmKernel{Python: offer.Python, Socket: offer.Socket + "x"} }},
		{"another interpreter", func(j *quire.Job) { j.Warm = &quire.WarmKernel{Python: "/usr/bin/python", Socket: offer.Socket} }},
		{"hash seed", func(j *quire.Job) { j.Inputs = map[string]any{"PYTHONHASHSEED": "0"} }},
		{"path", func(j *quire.Job) { j.Inputs = map[string]any{"PYTHONPATH": "/nowhere"} }},
		{"tracemalloc", func(j *quire.Job) { j.Inputs = map[string]any{"PYTHONTRACEMALLOC": "1"} }},
		{"faulthandler", func(j *quire.Job) { j.Inputs = map[string]any{"PYTHONFAULTHANDLER": "1"} }},
		{"loader", func(j *quire.Job) { j.Inputs = map[string]any{"LD_LIBRARY_PATH": "/nowhere"} }},
		{"locale", func(j *quire.Job) { j.Inputs = map[string]any{"LC_ALL": "C"} }},
		{"threads", func(j *quire.Job) { j.Inputs = map[string]any{"OPENBLAS_NUM_THREADS": "1"} }},
		{"read by matplotlib", func(j *quire.Job) { j.Inputs = map[string]any{"MPLBACKEND": "agg"} }},
		{"read by pandas", func(j *quire.Job) { j.Inputs = map[string]any{"PANDAS_COPY_ON_WRITE": "warn"} }},
		{"another home", func(j *quire.Job) { j.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()} }},
		{"no home", func(j *quire.Job) { j.Env = []string{"PATH=" + os.Getenv("PATH")} }},
		{"folder is gone", func(j *quire.Job) {
			if err := os.Remove(j.WorkDir); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			job := newJob(t, "python3", cell("print('ran')"))
			job.Env, job.Warm = env, offer
			tt.change(&job)
			if _, err := os.Stat(job.WorkDir); err != nil {
				r, log := runLogged(t, job)
				if r.end.State != quire.Failed || !strings.Contains(log, "cold") {
					t.Errorf("got %+v\n%s", r.end, log)
				}
				return
			}
			r, log := runLogged(t, job)
			wantForked(t, log, false)
			if got := text(r.notebook.Cells[0]); got != "ran\n" {
				t.Errorf("got %q, %+v", got, r.end)
			}
		})
	}
}

func TestForkServersEndHarmsNoKernel(t *testing.T) {
	env := kernelEnv(t)
	pool := warm.New(nil)
	key := warm.Key{Python: testenv.Python(t), Env: env}
	job := newJob(t, "python3", cell("print('in', flush=True); open('wait').read()"), cell("print('still here')"))
	fifo := filepath.Join(job.WorkDir, "wait")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	job.Env, job.Warm = env, &quire.WarmKernel{Python: key.Python, Socket: pool.Wait(key)}
	first := true
	r := run(t, t.Context(), job, func(e quire.Event) {
		if e.Stream != nil && first {
			first = false
			pool.Close()
			if err := os.WriteFile(fifo, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	if got := text(r.notebook.Cells[1]); got != "still here\n" {
		t.Errorf("got %q, %+v", got, r.end)
	}
}

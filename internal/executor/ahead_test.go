package executor_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/executor"
	"quire/internal/testenv"
	"quire/jupyter"
	"quire/nbformat"
)

// runAhead runs the job in a kernel that was started for its kernelspec.
func runAhead(t *testing.T, kernel string, job quire.Job) (result, string) {
	t.Helper()
	template := quire.Job{Env: job.Env, KernelPath: job.KernelPath, Kernel: kernel}
	return runBy(t, job, func(opts executor.Options) (quire.Finished, error) {
		return executor.RunInSlot(t.Context(), template, job, opts)
	})
}

// wantAhead looks at what the journal and the executor's log tell of it.
func wantAhead(t *testing.T, r result, log string, want bool) {
	t.Helper()
	i := slices.IndexFunc(r.events, func(e quire.Event) bool { return e.KernelReady != nil })
	if i < 0 {
		t.Fatalf("no kernel was there: %+v\n%s", r.end.Failure, log)
	}
	how := r.events[i].KernelReady.Start
	if got := strings.Contains(log, "kernel was started cold, and has waited"); got != want || (how == quire.ReadyStart) != want {
		t.Errorf("started ahead: got %v and %s, want %v\n%s", got, how, want, log)
	}
}

// bashLikenesses are to show the same in a kernel that has just started and in
// one that has waited. LINENO is not among them.
var bashLikenesses = []string{
	`echo "[$?] [$#] $0"`,
	"pwd; echo \"[$OLDPWD]\"; declare -p OLDPWD; dirs; cd -",
	"env | sort",
	"printf '%q\\n' \"$TEXT\" \"$EMPTY\" \"$NUMBER\"",
	"echo $-; set -o; shopt; umask; ulimit -a",
	"jobs; trap; alias; declare -F; echo [$!] $SHLVL $((SECONDS / 30))",
	"history",
	"echo $HISTCMD $PROMPT_COMMAND; declare -p PROMPT_COMMAND PS1 PS2",
	"compgen -v | sort",
	"ls -l /proc/$$/fd | awk '{print $9, $10, $11}'",
	"cd /; cd -; cd ..; echo $OLDPWD",
	"false",
	"history | tail -n 3",
}

func TestBashKernelThatHasWaitedIsLikeAnother(t *testing.T) {
	t.Parallel()
	var cells []*nbformat.Cell
	for _, source := range bashLikenesses {
		cells = append(cells, cell(source, "raises-exception"))
	}
	show := func(run func(job quire.Job) (result, string), want bool) (outputs [][]string) {
		job := newJob(t, "bash", cells...)
		job.Env = append(job.Env, "TERM=dumb")
		job.WorkDir = filepath.Join(job.WorkDir, `it's "$HOME" !! é`)
		if err := os.Mkdir(job.WorkDir, 0o700); err != nil {
			t.Fatal(err)
		}
		job.Inputs = map[string]any{"NUMBER": json.Number("3"), "EMPTY": "", "TEXT": "it's \"$HOME\" `id` $(id) !! \\ \x01\t\x1b[A\x7f\r\nnaïve"}
		r, log := run(job)
		if r.end.State != quire.Succeeded {
			t.Fatalf("got %+v\n%s", r.end.Failure, log)
		}
		wantAhead(t, r, log, want)
		home := strings.TrimPrefix(job.Env[1], "HOME=")
		random := regexp.MustCompile(`PROMPT_[A-Z]{12}|socket:\[\d+\]|/dev/pts/\d+|\d+ \d+ (\d+)$`)
		for i, c := range r.notebook.Cells {
			all := []string{bashLikenesses[i], string(rune('0' + c.ExecutionCount))}
			for _, text := range shown(job, c) {
				all = append(all, random.ReplaceAllString(strings.ReplaceAll(text, home, "HOME"), "…"))
			}
			outputs = append(outputs, all)
		}
		return outputs
	}
	cold := show(func(job quire.Job) (result, string) { return runLogged(t, job) }, false)
	waited := show(func(job quire.Job) (result, string) { return runAhead(t, "bash", job) }, true)
	if diff := cmp.Diff(cold, waited); diff != "" {
		t.Errorf("(-cold +waited):\n%s", diff)
	}
	if text := strings.Join(cold[2], "\n"); !strings.Contains(text, "QUIRE_EXECUTION_ID=ID") || !strings.Contains(text, "naïve") {
		t.Errorf("the environment is not that of the job: %s", text)
	}
}

// copied names the kernel python3 otherwise, so that nothing forks it.
func copied(t *testing.T, job *quire.Job) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copied")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	spec := `{"argv": ["` + testenv.Python(t) + `", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Copied", "language": "python"}`
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	job.KernelPath = append([]string{filepath.Dir(dir)}, job.KernelPath...)
	job.Kernel = "copied"
}

func TestIPythonKernelThatHasWaitedIsLikeAnother(t *testing.T) {
	t.Parallel()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	list := slices.DeleteFunc(slices.Clone(likenesses), func(l likeness) bool { return l.name == "environment as others see it" })
	show := func(run func(*testing.T, quire.Job) (result, string)) (outputs [][]string) {
		var cells []*nbformat.Cell
		for _, l := range list {
			cells = append(cells, cell(l.source, "raises-exception"))
		}
		job := newJob(t, "python3", cells...)
		copied(t, &job)
		job.Env = env
		job.Inputs = map[string]any{"NUMBER": json.Number("3"), "TEXT": "naïve\nline"}
		r, log := run(t, job)
		if r.end.State != quire.Succeeded {
			t.Fatalf("got %+v\n%s", r.end.Failure, log)
		}
		for _, c := range r.notebook.Cells {
			outputs = append(outputs, shown(job, c))
		}
		return outputs
	}
	fonts := newJob(t, "python3", cell("import matplotlib.pyplot")) // it looks for them once, in a thread
	fonts.Env = env
	runLogged(t, fonts)
	cold := show(runLogged)
	waited := show(func(t *testing.T, job quire.Job) (result, string) {
		r, log := runAhead(t, "copied", job)
		wantAhead(t, r, log, true)
		return r, log
	})
	for i, l := range list {
		if diff := cmp.Diff(cold[i], waited[i]); diff != "" {
			t.Errorf("%s (-cold +waited):\n%s", l.name, diff)
		}
	}
}

// TestKernelThatHasWaitedIsNotForTheJob: another one is started for it.
func TestKernelThatHasWaitedIsNotForTheJob(t *testing.T) {
	for name, set := range map[string]func(job *quire.Job){
		"a time zone":                func(job *quire.Job) { job.Inputs = map[string]any{"TZ": "Asia/Tokyo"} },
		"no variable's name":         func(job *quire.Job) { job.Inputs = map[string]any{"a.b": "x"} },
		"too much for a terminal":    func(job *quire.Job) { job.Inputs = map[string]any{"A": strings.Repeat("é", 20<<10)} },
		"another kernelspec":         func(job *quire.Job) { job.Kernel = "python3" },
		"a readonly variable":        func(job *quire.Job) { job.Inputs = map[string]any{"LOCKED": "x"} },
		"a folder that is not there": func(job *quire.Job) { job.WorkDir = filepath.Join(job.Dir, "absent") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, "bash", cell("echo begun; printenv TZ 'a.b' LOCKED; true"))
			set(&job)
			if job.Kernel != "" {
				job = newJob(t, "python3", cell("print('begun')"))
			}
			home := strings.TrimPrefix(job.Env[1], "HOME=")
			if err := os.WriteFile(filepath.Join(home, ".bashrc"), []byte("declare -r LOCK\"\"ED=1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			r, log := runAhead(t, "bash", job)
			if name == "a folder that is not there" {
				if r.end.State != quire.Failed || r.end.Failure.Kind != quire.QuireFault {
					t.Errorf("got %+v %+v", r.end, r.end.Failure)
				}
				return
			}
			if r.end.State != quire.Succeeded || !strings.HasPrefix(text(r.notebook.Cells[0]), "begun\n") {
				t.Errorf("got %+v %q", r.end.Failure, text(r.notebook.Cells[0]))
			}
			wantAhead(t, r, log, false)
		})
	}
}

// TestPackagesChangeWhileAKernelWaits: a package that was installed meanwhile is
// none that it knows.
func TestPackagesChangeWhileAKernelWaits(t *testing.T) {
	t.Parallel()
	job := newJob(t, "bash", cell("echo begun"))
	prefix := filepath.Join(t.TempDir(), "venv")
	for _, dir := range []string{"bin", "lib/python3.11/site-packages", "share/jupyter/kernels/own"} {
		if err := os.MkdirAll(filepath.Join(prefix, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	launcher := "#!/bin/sh\nexec '" + testenv.Python(t) + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(prefix, "bin", "python"), []byte(launcher), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	spec := `{"argv": ["python", "-m", "bash_kernel", "-f", "{connection_file}"], "display_name": "Own", "language": "bash"}`
	if err := os.WriteFile(filepath.Join(prefix, "share/jupyter/kernels/own/kernel.json"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	job.KernelPath, job.Kernel = jupyter.SearchPath(nil, prefix), "own"
	template := quire.Job{Env: job.Env, KernelPath: job.KernelPath, Kernel: "own"}
	r, log := runBy(t, job, func(opts executor.Options) (quire.Finished, error) {
		return executor.RunInSlotAfter(t.Context(), template, job, opts, func() error {
			return os.Mkdir(filepath.Join(prefix, "lib/python3.11/site-packages/new-1.0.dist-info"), 0o700)
		})
	})
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v\n%s", r.end.Failure, log)
	}
	wantAhead(t, r, log, false)
}

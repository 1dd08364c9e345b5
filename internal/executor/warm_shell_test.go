package executor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quire"
)

// whichShell prints whether the shell was there before the fork, for a garbage
// collector does not list what it had frozen by then, and how it is configured.
const whichShell = "import gc\nip = get_ipython()\nprint(any(o is ip for o in gc.get_objects()), ip.ast_node_interactivity, ip.ipython_dir)"

// TestForkedKernelsShell is the one from before the fork, unless a kernel has
// something to say about it.
func TestForkedKernelsShell(t *testing.T) {
	home, other := t.TempDir(), t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	own := filepath.Join(home, ".ipython")
	const configuration = "c.InteractiveShell.ast_node_interactivity = 'all'\n"
	configure := func(t *testing.T, name, text string) {
		t.Helper()
		path := filepath.Join(own, "profile_default", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(path) })
	}
	offer := warmed(t, env)
	for _, tt := range []struct {
		name, file, text string
		input            map[string]any
		want             string
	}{
		{"nothing to say", "", "", nil, "False last_expr " + own},
		{"a startup file", "startup/x.py", "get_ipython().ast_node_interactivity = 'none'\n", nil, "False none " + own},
		{"configured since", "ipython_config.py", configuration, nil, "True all " + own},
		{"configured for kernels", "ipython_kernel_config.py", configuration, nil, "True all " + own},
		{"configured in JSON", "ipython_config.json", `{"InteractiveShell": {"ast_node_interactivity": "all"}}`, nil, "True all " + own},
		{"another folder", "", "", map[string]any{"IPYTHONDIR": other}, "True last_expr " + other},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file != "" {
				configure(t, tt.file, tt.text)
			}
			job := newJob(t, "python3", cell(whichShell))
			job.Env, job.Warm, job.Inputs = env, offer, tt.input
			r, log := runLogged(t, job)
			wantForked(t, log, true)
			if got := strings.TrimSpace(text(r.notebook.Cells[len(r.notebook.Cells)-1])); got != tt.want {
				t.Errorf("got %q, want %q: %+v", got, tt.want, r.end)
			}
			if r.end.State != quire.Succeeded {
				t.Errorf("got %+v", r.end.Failure)
			}
		})
	}
}

// TestConfiguredForkServer makes no shell where one is configured already.
func TestConfiguredForkServer(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, ".ipython", "profile_default", "ipython_config.py")
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("c.InteractiveShell.ast_node_interactivity = 'all'\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	offer := warmed(t, env)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	job := newJob(t, "python3", cell(whichShell))
	job.Env, job.Warm = env, offer
	r, log := runLogged(t, job)
	wantForked(t, log, true)
	if got := text(r.notebook.Cells[0]); !strings.HasPrefix(got, "True last_expr ") {
		t.Errorf("got %q: %+v", got, r.end)
	}
}

package executor_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/executor"
	"quire/internal/testenv"
	"quire/jupyter"
)

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(s[:])
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The executed notebook proves what was run, by digests of what is kept.
func TestReceipt(t *testing.T) {
	job := newJob(t, "python3", cell("print('hello')"))
	job.Inputs = map[string]any{"b": []any{"<ü>", nil}, "a": json.Number("1.50")}
	job.RetryOf = "first"
	submitted := readFile(t, job.InputPath())
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v, want SUCCEEDED", r.end)
	}
	lock := readFile(t, job.LockPath())
	want := &quire.Receipt{
		Notebook: sum(submitted), Inputs: sum([]byte(`{"a":1.50,"b":["<ü>",null]}`)), Environment: sum(lock), RetryOf: "first",
	}
	if diff := cmp.Diff(want, r.progress.Receipt); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	var stamp struct{ Receipt *quire.Receipt }
	if err := json.Unmarshal(r.notebook.Metadata["quire"], &stamp); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stamp.Receipt); diff != "" {
		t.Errorf("receipt in the notebook (-want +got):\n%s", diff)
	}

	// The lock is what Python itself sees in its environment.
	const ask = `
import re, sys
from importlib.metadata import distributions
print("# python " + sys.version.split()[0])
print("\n".join(sorted({re.sub("[-_.]+", "-", d.metadata["Name"]).lower() + "==" + d.version for d in distributions(path=[p for p in sys.path if p.startswith(sys.prefix)])})))`
	out, err := exec.CommandContext(t.Context(), testenv.Python(t), "-I", "-c", ask).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(out), "\n"), strings.Split(string(lock), "\n")); diff != "" {
		t.Errorf("lock (-Python +got):\n%s", diff)
	}
}

func TestLock(t *testing.T) {
	prefix := t.TempDir()
	dir := filepath.Join(prefix, "share", "jupyter", "kernels", "k")
	site := filepath.Join(prefix, "lib", "python3.12", "site-packages")
	for _, folder := range []string{
		dir, filepath.Join(prefix, "bin"), filepath.Join(site, "Zope.Interface-5.0.dist-info"), filepath.Join(site, "a_b__c-1.0rc1.dist-info"),
		filepath.Join(site, "a_b__c"), filepath.Join(site, "old-1.egg-info"), filepath.Join(site, "bad.dist-info"), filepath.Join(site, "-1.dist-info"),
	} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const packages = "a-b-c==1.0rc1\nzope-interface==5.0\n"
	spec := jupyter.Kernelspec{Name: "k", Dir: dir}
	kernel := `{"argv": ["x"]}`
	for path, content := range map[string]string{filepath.Join(dir, "kernel.json"): kernel, filepath.Join(prefix, "bin", "python"): "#!"} {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, program, config, want string }{
		{"its own Python", "python", "", packages},
		{"named by its path", filepath.Join(prefix, "bin", "python3.12"), "", packages},
		{"a virtual environment", "python3", "home = /usr/bin\nversion = 3.12.3\n", "# python 3.12.3\n" + packages},
		{
			"made by others", "python3", "version_info = 3.12.3.final.0\ninclude-system-site-packages = true\n",
			"# python 3.12.3.final.0\n# and the packages of the system, which are not listed\n" + packages,
		},
		{"another program", "/usr/bin/R", "", kernel},
		{"another environment", filepath.Join(t.TempDir(), "bin", "python"), "", kernel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(prefix, "pyvenv.cfg"), []byte(tt.config), 0o600); err != nil {
				t.Fatal(err)
			}
			spec.Argv = []string{tt.program}
			lock, err := executor.LockOf(spec)
			if err != nil || string(lock) != tt.want {
				t.Errorf("got %q, %v, want %q", lock, err, tt.want)
			}
		})
	}
}

func BenchmarkReceipt(b *testing.B) {
	prefix := filepath.Dir(filepath.Dir(testenv.Python(b)))
	spec, err := jupyter.FindKernel(jupyter.SearchPath(nil, prefix), "python3")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for b.Loop() {
		job := quire.Job{Dir: dir}
		if err := os.RemoveAll(job.LockPath()); err != nil {
			b.Fatal(err)
		}
		if _, err := executor.NewReceipt(job, nil, spec); err != nil {
			b.Fatal(err)
		}
	}
}

package jupyter_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/jupyter"
)

// install writes a kernel.json into folder/name and returns that.
func install(t *testing.T, folder, name, spec string) string {
	t.Helper()
	dir := filepath.Join(folder, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindKernel(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	path := []string{filepath.Join(first, "missing"), first, second}
	dir := install(t, first, "IR", `{
		"argv": ["R", "{connection_file}"], "display_name": "R", "language": "R",
		"interrupt_mode": "message", "env": {"A": "b"}, "metadata": {"x": 1}}`)
	install(t, second, "ir", `{"argv": ["other"]}`)
	install(t, second, "bare", `{"argv": ["bare"]}`)
	install(t, second, "not a name", `{"argv": ["x"]}`)
	install(t, second, "broken", `{"argv": [`)
	install(t, second, "empty", `{"argv": []}`)
	if err := os.MkdirAll(filepath.Join(second, "nothing"), 0o755); err != nil {
		t.Fatal(err)
	}

	got, err := jupyter.FindKernel(path, "Ir")
	if err != nil {
		t.Fatal(err)
	}
	want := jupyter.Kernelspec{
		Name: "ir", Dir: dir, Argv: []string{"R", "{connection_file}"}, DisplayName: "R", Language: "R",
		InterruptMode: "message", Env: map[string]string{"A": "b"}, Metadata: json.RawMessage(`{"x": 1}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kernelspec (-want +got):\n%s", diff)
	}

	all, err := jupyter.Kernels(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range all {
		names = append(names, k.Name+" "+k.DisplayName+" "+k.InterruptMode)
	}
	if diff := cmp.Diff([]string{"bare bare signal", "ir R message"}, names); diff != "" {
		t.Errorf("kernels (-want +got):\n%s", diff)
	}

	for name, want := range map[string]string{
		"julia":  `unknown kernel "julia"; known are bare, broken, empty, ir`,
		"../ir":  `unknown kernel "../ir"`,
		"":       `unknown kernel ""`,
		"broken": "cannot be used",
		"empty":  "cannot be used",
	} {
		_, err := jupyter.FindKernel(path, name)
		e, ok := errors.AsType[*quire.Error](err)
		if !ok || e.Code != quire.InvalidArgument || e.Field != "kernel" {
			t.Errorf("%q: got error %v, want InvalidArgument for the field kernel", name, err)
			continue
		}
		if !strings.Contains(e.Message, want) || strings.Contains(e.Message, second) {
			t.Errorf("%q: got message %q, want %q and no path", name, e.Message, want)
		}
	}
	if _, err := jupyter.FindKernel(nil, "x"); err == nil || !strings.Contains(err.Error(), "no kernels are installed") {
		t.Errorf("got error %v without any kernel", err)
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec jupyter.Kernelspec
		want string
	}{
		"python":        {jupyter.Kernelspec{Argv: []string{"python"}, Language: "python"}, "ipc"},
		"deno":          {jupyter.Kernelspec{Argv: []string{"/usr/bin/deno", "jupyter"}, Language: "typescript"}, "tcp"},
		"java":          {jupyter.Kernelspec{Argv: []string{"run"}, Language: "Java"}, "tcp"},
		"xeus":          {jupyter.Kernelspec{Argv: []string{"/opt/bin/xr", "-f", "{connection_file}"}, Language: "R"}, "tcp"},
		"xeus-python":   {jupyter.Kernelspec{Argv: []string{"python3", "-m", "xpython_launcher", "-f", "{connection_file}"}, Language: "python"}, "tcp"},
		"says tcp":      {jupyter.Kernelspec{Metadata: json.RawMessage(`{"quire": {"transport": "tcp"}}`)}, "tcp"},
		"says ipc":      {jupyter.Kernelspec{Language: "java", Metadata: json.RawMessage(`{"quire": {"transport": "ipc"}}`)}, "ipc"},
		"says nonsense": {jupyter.Kernelspec{Metadata: json.RawMessage(`{"quire": {"transport": "pgm"}}`)}, "ipc"},
		"odd metadata":  {jupyter.Kernelspec{Metadata: json.RawMessage(`[]`)}, "ipc"},
	}
	for name, tt := range tests {
		if got := tt.spec.Transport(); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestSearchPath(t *testing.T) {
	t.Parallel()
	system := []string{"/usr/local/share/jupyter/kernels", "/usr/share/jupyter/kernels"}
	tests := map[string]struct {
		env, prefixes, want []string
	}{
		"nothing": {nil, nil, system},
		"home": {
			[]string{"HOME=/h"},
			[]string{"/venv"},
			append([]string{"/venv/share/jupyter/kernels", "/h/.local/share/jupyter/kernels"}, system...),
		},
		"user before environment": {
			[]string{"HOME=/h", "XDG_DATA_HOME=/x", "JUPYTER_PREFER_ENV_PATH=No"},
			[]string{"/venv"},
			append([]string{"/x/jupyter/kernels", "/venv/share/jupyter/kernels"}, system...),
		},
		"everything": {
			[]string{"JUPYTER_PATH=/a:/b/", "JUPYTER_DATA_DIR=/d", "HOME=/h"},
			[]string{"/venv", "/usr"},
			[]string{
				"/a/kernels", "/b/kernels", "/venv/share/jupyter/kernels", "/usr/share/jupyter/kernels",
				"/d/kernels", "/usr/local/share/jupyter/kernels",
			},
		},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, jupyter.SearchPath(tt.env, tt.prefixes...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

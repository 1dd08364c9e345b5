package nbformat_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/internal/testenv"
	"quire/nbformat"
)

// fixtures returns the names of the notebooks in testdata.
func fixtures(tb testing.TB) []string {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*.ipynb"))
	if err != nil || len(names) == 0 {
		tb.Fatalf("no notebooks in testdata: %v", err)
	}
	return names
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func parse(tb testing.TB, data []byte) *nbformat.Notebook {
	tb.Helper()
	nb, err := nbformat.Parse(data)
	if err != nil {
		tb.Fatalf("Parse: %v", err)
	}
	return nb
}

func write(tb testing.TB, nb *nbformat.Notebook) []byte {
	tb.Helper()
	var buf bytes.Buffer
	if err := nbformat.Write(&buf, nb); err != nil {
		tb.Fatalf("Write: %v", err)
	}
	return buf.Bytes()
}

// TestJupyterAgrees has Jupyter's own nbformat validate what Write makes of
// each fixture, and compares it with what nbformat itself writes.
func TestJupyterAgrees(t *testing.T) {
	written := t.TempDir()
	for _, name := range fixtures(t) {
		out := write(t, parse(t, readFile(t, name)))
		if err := os.WriteFile(filepath.Join(written, filepath.Base(name)), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), filepath.Join("testdata", "jupyter.py"), "testdata", written)
	cmd.Stderr = os.Stderr
	report, err := cmd.Output()
	if err != nil {
		t.Fatalf("run nbformat: %v", err)
	}

	// Jupyter's schemas allow no field that they do not name.
	invalid := map[string]bool{"unknown-fields.ipynb": true}
	checked := 0
	for dec := json.NewDecoder(bytes.NewReader(report)); dec.More(); checked++ {
		var verdict struct{ Name, Problem, Expected string }
		if err := dec.Decode(&verdict); err != nil {
			t.Fatal(err)
		}
		t.Run(verdict.Name, func(t *testing.T) {
			if (verdict.Problem != "") != invalid[verdict.Name] {
				t.Errorf("nbformat.validate: %q", verdict.Problem)
			}
			got := string(readFile(t, filepath.Join(written, verdict.Name)))
			if diff := cmp.Diff(verdict.Expected, got); diff != "" {
				t.Errorf("not what nbformat writes (-nbformat +Quire):\n%s", diff)
			}
		})
	}
	if want := len(fixtures(t)); checked != want {
		t.Errorf("nbformat saw %d notebooks, want %d", checked, want)
	}
}

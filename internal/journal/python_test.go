package journal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
	"quire/internal/testenv"
)

// Jupyter's own nbformat finds the notebook valid after every event, in each
// minor version.
func TestJupyterValidates(t *testing.T) {
	dir := t.TempDir()
	for _, minor := range []int{0, 1, 2, 3, 4, 5} {
		text := strings.Replace(input, `"nbformat_minor": 5, "future": {"kept": true}`, fmt.Sprintf(`"nbformat_minor": %d`, minor), 1)
		for name, events := range scripts() {
			n := journal.NewNotebook(parse(t, text))
			for i, e := range append([]quire.Event{{}}, events...) {
				_ = n.Apply(e)
				nb := n.Snapshot()
				if minor < 5 {
					for _, c := range nb.Cells {
						delete(c.Extra, "id") // of the script's input, which is one for 4.5
					}
				}
				file := filepath.Join(dir, fmt.Sprintf("4.%d %s %02d.ipynb", minor, name, i))
				if err := os.WriteFile(file, []byte(write(t, nb)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	jupyterValidates(t, dir)
}

// jupyterValidates lets Jupyter's own nbformat validate every notebook in dir.
func jupyterValidates(t *testing.T, dir string) {
	t.Helper()
	const program = `
import pathlib, sys, nbformat
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))
    except Exception as e:
        print(path.name, e)
`
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), "-W", "error", "-c", program, dir)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

package crash_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quire/nbformat"
)

// The notebooks of every world, by their files' names.
const (
	countsNotebook  = "counts.ipynb"  // each cell notes that it ran
	waitsNotebook   = "waits.ipynb"   // waits to be stopped
	killsNotebook   = "kills.ipynb"   // kills the executor of its first attempt
	unluckyNotebook = "unlucky.ipynb" // kills its executor in every attempt
)

// cellsOfCounts is how many cells countsNotebook has.
const cellsOfCounts = 3

func notebooks(t *testing.T) map[string][]byte {
	t.Helper()
	var counts []string
	for i := range cellsOfCounts {
		counts = append(counts, fmt.Sprintf(
			"import time\nopen('ran', 'a').write('%d ')\nprint('begun', flush=True)\ntime.sleep(0.03)\nprint('done')", i))
	}
	// The executor is no ancestor of a kernel that was forked.
	const die = `for p in filter(str.isdigit, os.listdir("/proc")):
        try: args = open(f"/proc/{p}/cmdline").read().split("\0")
        except OSError: continue
        if args[1:2] == ["executor"] and os.path.basename(args[2]) == os.environ["QUIRE_EXECUTION_ID"]: os.kill(int(p), 9)
    time.sleep(60)`
	return map[string][]byte{
		countsNotebook:  notebook(t, counts...),
		waitsNotebook:   notebook(t, "import time\nprint('waits', flush=True)\ntime.sleep(600)"),
		killsNotebook:   notebook(t, "import os, time\nif not os.path.exists('killed'):\n    open('killed', 'w').close()\n    "+die),
		unluckyNotebook: notebook(t, "import os, time\nif True:\n    "+die),
	}
}

func notebook(t *testing.T, sources ...string) []byte {
	t.Helper()
	nb := &nbformat.Notebook{Major: 4, Minor: 5, Metadata: nbformat.Object{}}
	if err := nb.Metadata.Set("kernelspec", map[string]string{"name": "python3", "display_name": "Python 3"}); err != nil {
		t.Fatal(err)
	}
	for i, source := range sources {
		nb.Cells = append(nb.Cells, &nbformat.Cell{
			Type: nbformat.Code, ID: fmt.Sprintf("cell-%d", i), Source: source, Metadata: nbformat.Object{},
		})
	}
	var b bytes.Buffer
	if err := nbformat.Write(&b, nb); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ran returns which cells of countsNotebook ran, in their order.
func (w *world) ran(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.data, "projects", w.project, "ran"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

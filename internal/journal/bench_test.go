package journal_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

func cells(n int) *nbformat.Notebook {
	nb := &nbformat.Notebook{Major: 4, Minor: 5}
	for i := range n {
		nb.Cells = append(nb.Cells, &nbformat.Cell{Type: nbformat.Code, ID: fmt.Sprint(i)})
	}
	return nb
}

// chatter is one cell that prints n lines.
func chatter(n int) []quire.Event {
	events := []quire.Event{started(), cellStarted(0)}
	for i := range n {
		events = append(events, stdout(0, fmt.Sprintf("line %d\n", i)))
	}
	return events
}

// progressBar is one cell that redraws a line n times.
func progressBar(n int) []quire.Event {
	events := []quire.Event{started(), cellStarted(0)}
	for i := range n {
		events = append(events, stderr(0, fmt.Sprintf("\r%3d%%|%-50s| %d/%d", i*100/n, strings.Repeat("█", i*50/n), i, n)))
	}
	return events
}

// plots is n cells with an output of size bytes each.
func plots(n int32, size int) []quire.Event {
	events := []quire.Event{started()}
	for i := range n {
		events = append(events, cellStarted(i), display(i, "", strings.Repeat("x", size)), finished(i, quire.CellOK, i+1))
	}
	return events
}

// The times of the small and the large of a pair stand as their sizes do.
func BenchmarkReduce(b *testing.B) {
	for _, bb := range []struct {
		name   string
		cells  int
		events []quire.Event
	}{
		{"10k stream events", 1, chatter(10_000)},
		{"100k stream events", 1, chatter(100_000)},
		{"10k progress bar updates", 1, progressBar(10_000)},
		{"100k progress bar updates", 1, progressBar(100_000)},
		{"50 cells of 100 KB", 50, plots(50, 100_000)},
		{"500 cells of 100 KB", 500, plots(500, 100_000)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			data := record(b, bb.events...)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				n, _, err := journal.Reduce(cells(bb.cells), journal.NewReader(bytes.NewReader(data)))
				if err != nil {
					b.Fatal(err)
				}
				n.Snapshot()
			}
		})
	}
}

func BenchmarkSkip(b *testing.B) {
	data := record(b, chatter(100_000)...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := journal.NewReader(bytes.NewReader(data))
		r.Skip(1 << 30)
		if _, err := r.NextRaw(); err != io.EOF { //nolint:errorlint // documented to be that very value
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	w, err := journal.Open(filepath.Join(b.TempDir(), "journal"), nil)
	if err != nil {
		b.Fatal(err)
	}
	e := stdout(0, strings.Repeat("x", 100))
	for b.Loop() {
		if err := w.Append(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkAppendAndSync(b *testing.B) {
	w, err := journal.Open(filepath.Join(b.TempDir(), "journal"), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := w.Append(cellStarted(0)); err != nil {
			b.Fatal(err)
		}
		if err := w.Sync(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

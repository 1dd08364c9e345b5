package journal_test

import (
	"io"
	"path/filepath"
	"runtime"
	"testing"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

// Work is counted in bytes that pass: time would tell more of the machine.
// Four times the cells, and four times the outputs with them, must be four
// times the work from the kernel's messages to the executed notebook, the
// server that follows meanwhile included.
func TestWorkIsLinear(t *testing.T) {
	const (
		size  = 10_000 // of each cell's output
		slack = 1.15
	)
	small, large := passAll(t, 125, size), passAll(t, 500, size)
	for what, pair := range map[string][2]int64{
		"allocated":            {small.allocated, large.allocated},
		"read by a follower":   {small.followed, large.followed},
		"read for the end":     {small.reduced, large.reduced},
		"in the notebook":      {small.notebook, large.notebook},
		"in the journal":       {small.journal, large.journal},
		"journal and notebook": {small.journal + small.notebook, large.journal + large.notebook},
	} {
		if got := float64(pair[1]) / float64(pair[0]); got > 4*slack {
			t.Errorf("bytes %s: %.1f times as many for 4 times the cells: %d, then %d", what, got, pair[0], pair[1])
		}
	}
	if large.followed != large.journal || large.reduced != large.journal {
		t.Errorf("got %+v, want the journal to be read once by each", large)
	}
}

// work is in bytes.
type work struct{ allocated, followed, reduced, notebook, journal int64 }

// passAll journals a notebook with an output in each cell, follows it cell by
// cell as the server does, and renders it at the end.
func passAll(t *testing.T, n int32, size int) work {
	t.Helper()
	var w work
	events := plots(n, size)
	path := filepath.Join(t.TempDir(), "journal")
	before := allocated()
	writer, err := journal.Open(path, &journal.WriterOptions{Durable: func(size int64) { w.journal = size }})
	if err != nil {
		t.Fatal(err)
	}
	follower, err := journal.OpenFile(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	var p quire.Progress
	for _, e := range events {
		if err := writer.Append(e); err != nil {
			t.Fatal(err)
		}
		if e.CellFinished == nil {
			continue
		}
		if err := writer.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		follower.Extend(w.journal)
		for e := range rest(t, follower) {
			p.Apply(e)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if p.CellsDone != int(n) {
		t.Errorf("the follower has seen %d cells, want %d", p.CellsDone, n)
	}
	w.followed = follower.Offset()
	reader, err := journal.OpenFile(path, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	nb, _, err := journal.Reduce(cells(int(n)), reader)
	if err != nil {
		t.Fatal(err)
	}
	w.reduced = reader.Offset()
	var c counter
	if err := nbformat.Write(&c, nb.Snapshot()); err != nil {
		t.Fatal(err)
	}
	w.notebook = int64(c)
	w.allocated = allocated() - before
	return w
}

// rest yields what can be read now.
func rest(t *testing.T, r *journal.Reader) func(func(quire.Event) bool) {
	return func(yield func(quire.Event) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF { //nolint:errorlint // documented to be that very value
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(e) {
				return
			}
		}
	}
}

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

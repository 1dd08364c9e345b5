package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

// TestLargeOutputIsNotCopied counts the bytes that are allocated for one large
// output at each of its stations. Those that have to hold it do so once.
func TestLargeOutputIsNotCopied(t *testing.T) {
	const size = 32 << 20
	path := filepath.Join(t.TempDir(), "journal")
	raw := json.RawMessage(`{"data":{"image/png":"` + strings.Repeat("x", size) + `"},"metadata":{},"output_type":"display_data"}`)
	var durable int64
	stations := []struct {
		name string
		held float64 // times the output's size
		pass func() error
	}{
		{"written", 0, func() error {
			w, err := journal.Open(path, &journal.WriterOptions{Durable: func(n int64) { durable = n }})
			if err != nil {
				return err
			}
			for _, e := range []quire.Event{started(), cellStarted(0), {Output: &quire.Output{Output: raw}}, finished(0, quire.CellOK, 1), ended(quire.Succeeded)} {
				if err := w.Append(e); err != nil {
					return err
				}
			}
			return w.Close()
		}},
		{"followed", 0, func() error {
			r, err := journal.OpenFile(path, durable)
			if err != nil {
				return err
			}
			defer r.Close()
			for err == nil {
				_, err = r.NextMilestone()
			}
			if !errors.Is(err, io.EOF) || r.Seq() != 5 || r.Offset() != durable {
				t.Errorf("got %v after event %d, byte %d of %d", err, r.Seq(), r.Offset(), durable)
			}
			return nil
		}},
		{"opened again", 0, func() error {
			w, err := journal.Open(path, nil)
			if err != nil {
				return err
			}
			if w.Finished() == nil || w.Seq() != 5 {
				t.Errorf("got %v at event %d, want an end at 5", w.Finished(), w.Seq())
			}
			return w.Close()
		}},
		{"rendered", 1, func() error {
			r, err := journal.OpenFile(path, -1)
			if err != nil {
				return err
			}
			defer r.Close()
			nb, _, err := journal.Reduce(cells(1), r)
			if err != nil {
				return err
			}
			shown := nb.Snapshot()
			if !bytes.Contains(raw, shown.Cells[0].Outputs[0].Data["image/png"]) {
				t.Error("what is shown is not the output")
			}
			var written counter
			err = nbformat.Write(&written, shown)
			if written < size {
				t.Errorf("got a notebook of %d bytes", written)
			}
			return err
		}},
	}
	for _, s := range stations {
		before := allocated()
		if err := s.pass(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		const little = 8 << 20
		if got, want := allocated()-before, int64(s.held*size)+little; got > want {
			t.Errorf("%s: %d bytes allocated for an output of %d, want at most %d", s.name, got, size, want)
		}
	}
}

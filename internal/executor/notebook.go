package executor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"quire"
	"quire/internal/crash"
	"quire/internal/journal"
	"quire/nbformat"
)

// writeNotebook renders the journal with the coming end into the notebook that
// clients fetch. It is whole on disk before the end is told.
func (e *execution) writeNotebook(ctx context.Context, end quire.Finished) error {
	if e.input == nil {
		return nil // it could not be read: there is nothing to render
	}
	if err := e.journal.Sync(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	nb, err := e.reduce(end)
	if err != nil {
		return fmt.Errorf("render notebook: %w", err)
	}
	if err := writeAtomic(e.job.NotebookPath(), nb); err != nil {
		return fmt.Errorf("write notebook: %w", err)
	}
	return nil
}

// largeJournal is the length from which on the memory of what was received is
// given back before the notebook takes as much again.
const largeJournal = 8 << 20

func (e *execution) reduce(end quire.Finished) (*nbformat.Notebook, error) {
	r, err := journal.OpenFile(e.job.JournalPath(), -1)
	if err != nil {
		return nil, err
	}
	defer r.Close() // opened for reading only
	if info, err := os.Stat(e.job.JournalPath()); err == nil && info.Size() >= largeJournal {
		debug.FreeOSMemory()
	}
	reduced, _, err := journal.Reduce(e.input, r)
	if err != nil {
		return nil, err
	}
	if err := reduced.Apply(quire.Event{Finished: &end}); err != nil {
		return nil, err
	}
	return reduced.Snapshot(), nil
}

func writeAtomic(path string, nb *nbformat.Notebook) error {
	tmp, err := writeBeside(path, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		if err := nbformat.Write(buffered, nb); err != nil {
			return err
		}
		return buffered.Flush()
	})
	if err != nil {
		return err
	}
	crash.At(crash.NotebookWritten)
	// The folder is not synced: a notebook that a power cut takes with its name
	// is rendered from the journal again.
	return os.Rename(tmp, path)
}

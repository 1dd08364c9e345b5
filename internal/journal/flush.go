package journal

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"quire/internal/crash"
)

// file is what a Writer needs of its file: Sync makes what was written durable.
type file interface {
	io.WriteCloser
	Sync() error
}

// diskFile syncs a file's data and its length, but not its times.
type diskFile struct{ *os.File }

func (f diskFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// flush writes what gathers in pending until the Writer is closed or fails.
// One that has failed stays the journal's only Writer until it is closed: its
// owner goes on until it hears of the failure.
func (w *Writer) flush() {
	defer close(w.done)
	last, err := w.writeAll()
	if err != nil {
		w.settle(last, errors.Join(err, w.leaveRoom()))
		w.awaitClose()
		_ = w.file.Close() // nothing that was written is lost by it: the error is told
		return
	}
	w.settle(last, errors.Join(w.leaveRoom(), w.file.Close()))
}

// writeAll returns after everything was written that there was before Close,
// or with the first error. The events up to last were the Writer's then.
func (w *Writer) writeAll() (last int32, err error) {
	var spare group
	for range w.wake {
		for {
			var batch group
			var closing bool
			batch, last, closing = w.take(spare)
			if batch.bytes == 0 && closing {
				return last, nil
			}
			if batch.bytes == 0 {
				spare = batch
				break
			}
			if err := w.takeRoom(int64(batch.bytes)); err != nil {
				return last, errors.Join(err, w.sayLast(err))
			}
			if err := w.writeBatch(batch); err != nil {
				return last, err
			}
			w.settle(last, nil)
			spare = batch.emptied()
		}
	}
	return last, nil
}

func (w *Writer) awaitClose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closing {
		w.await()
	}
}

// take returns what is pending, leaving spare in its place.
func (w *Writer) take(spare group) (batch group, last int32, closing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch, w.pending = w.pending, spare
	w.broadcast()
	return batch, w.seq, w.closing
}

func (w *Writer) writeBatch(batch group) error {
	crash.At(crash.JournalBegin)
	if err := batch.writeTo(w.file); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	crash.At(crash.JournalWritten)
	// A failed sync is final: the kernel may have dropped the pages and would
	// call the next sync a success.
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	crash.At(crash.JournalSynced)
	w.size += int64(batch.bytes)
	if w.durable != nil {
		w.durable(w.size)
	}
	return nil
}

// settle notes that the events up to last are durable, or that they never will be.
func (w *Writer) settle(last int32, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.synced = last
	} else {
		w.err, w.pending = err, group{}
	}
	w.broadcast()
}

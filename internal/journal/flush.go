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
func (w *Writer) flush() {
	defer close(w.done)
	var spare []byte
	for range w.wake {
		for {
			batch, last, closing := w.take(spare)
			if len(batch) == 0 {
				if closing {
					w.settle(last, w.closeFile())
					return
				}
				spare = batch
				break
			}
			if err := w.takeRoom(int64(len(batch))); err != nil {
				w.settle(last, errors.Join(err, w.sayLast(err), w.closeFile()))
				return
			}
			if err := w.writeBatch(batch); err != nil {
				w.settle(last, errors.Join(err, w.closeFile()))
				return
			}
			w.settle(last, nil)
			spare = nil
			if cap(batch) <= keepBuffer {
				spare = batch[:0]
			}
		}
	}
}

// take returns what is pending, leaving spare in its place.
func (w *Writer) take(spare []byte) (batch []byte, last int32, closing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch, w.pending = w.pending, spare
	w.broadcast()
	return batch, w.seq, w.closing
}

func (w *Writer) writeBatch(batch []byte) error {
	crash.At(crash.JournalBegin)
	if _, err := w.file.Write(batch); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	crash.At(crash.JournalWritten)
	// A failed sync is final: the kernel may have dropped the pages and would
	// call the next sync a success.
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	crash.At(crash.JournalSynced)
	w.size += int64(len(batch))
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
		w.err, w.pending = err, nil
	}
	w.broadcast()
}

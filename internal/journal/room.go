package journal

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"quire"
)

// A journal takes its room on the disk before it writes, and always a little
// more: lastRoom is for its end, should there be no room for anything else.
const (
	lastRoom = 16 << 10
	roomStep = 64 << 10
)

// roomTaker is a file that can take room on the disk ahead of what is written.
type roomTaker interface {
	// TakeRoom makes the bytes from offset on the file's, which does not get
	// longer by it.
	TakeRoom(offset, n int64) error
	// LeaveRoom gives back what was taken beyond size.
	LeaveRoom(size int64) error
}

// TakeRoom implements roomTaker. File systems that cannot do it go without.
func (f diskFile) TakeRoom(offset, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, offset, n)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return nil
		}
		return err
	}
}

// LeaveRoom implements roomTaker.
func (f diskFile) LeaveRoom(size int64) error { return f.Truncate(size) }

// takeRoom makes sure that the next n bytes, and last words after them, have
// room. Nothing is written where they have not.
func (w *Writer) takeRoom(n int64) error {
	file, ok := w.file.(roomTaker)
	need := w.size + n + lastRoom
	if !ok || need <= w.taken {
		return nil
	}
	err := file.TakeRoom(w.size, n+lastRoom+roomStep)
	if err == nil {
		w.taken = need + roomStep
		return nil
	}
	// A little less may still be there.
	if err := file.TakeRoom(w.size, n+lastRoom); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	w.taken = need
	return nil
}

// sayLast writes the journal's end into the room that is kept for it.
func (w *Writer) sayLast(why error) error {
	if w.lastWords == nil {
		return nil
	}
	w.mu.Lock()
	seq, begun := w.synced, w.begun > 0 && w.begun <= w.synced
	w.mu.Unlock()
	var words group
	var end *quire.Finished
	for _, e := range w.lastWords(why, begun) {
		seq++
		e.Seq, e.Time, end = seq, w.now().UTC(), e.Finished
		l, err := encodeTo(&bytes.Buffer{}, e)
		if err != nil {
			return err
		}
		words.add(l)
	}
	if err := w.writeBatch(words); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq, w.synced, w.finished = seq, seq, end
	return nil
}

// leaveRoom gives back what was taken and not needed.
func (w *Writer) leaveRoom() error {
	if file, ok := w.file.(roomTaker); ok && w.taken > w.size {
		return file.LeaveRoom(w.size)
	}
	return nil
}

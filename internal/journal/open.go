package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"quire"
)

// ErrLocked is returned by Open while another Writer has the journal open.
var ErrLocked = errors.New("journal is being written by another")

// Open continues the journal at path, or creates it with mode 0600. It checks
// every record, cuts off what a crash has left of a group that had not become
// durable, from the first bad record on, and fails with ErrCorrupt if there is
// damage before that. One Writer at a time can have a journal open. What Open
// has found is durable when it returns.
func Open(path string, opts *WriterOptions) (*Writer, error) {
	if opts == nil {
		opts = &WriterOptions{}
	}
	w, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if w.durable != nil {
		w.durable(w.size)
	}
	go w.flush()
	return w, nil
}

func open(path string, opts *WriterOptions) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		file:       diskFile{f},
		durable:    opts.Durable,
		now:        opts.Now,
		maxPending: opts.MaxPending,
		lastWords:  opts.LastWords,
		changed:    make(chan struct{}),
		wake:       make(chan struct{}, 1),
		done:       make(chan struct{}),
	}
	if w.now == nil {
		w.now = time.Now
	}
	if w.maxPending <= 0 {
		w.maxPending = DefaultMaxPending
	}
	err = lock(f)
	if err == nil {
		err = w.recover(f)
	}
	if err == nil && (w.size == 0 || w.size != opts.Synced) {
		err = w.keep(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if opts.wrap != nil {
		w.file = opts.wrap(w.file)
	}
	return w, nil
}

// lock keeps a second Writer out; the kernel lifts it when the process dies.
// File systems that know no locks go without.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrLocked
	case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		return nil
	}
	return os.NewSyscallError("flock", err)
}

// keep makes what is there durable, and the entry in the folder, too: a
// predecessor may have died before it synced that.
func (w *Writer) keep(f *os.File) error {
	if w.size > 0 {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(f.Name()))
}

// recover reads what is there and cuts off a torn end.
func (w *Writer) recover(f *os.File) error {
	finished, err := w.verify(&Reader{src: f, file: f})
	if err != nil {
		return err
	}
	w.finished = finished
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// Cutting off nothing would give back the room for last words.
	if info.Size() > w.size {
		return f.Truncate(w.size)
	}
	return nil
}

// verify sets the Writer's number and size from the journal and returns its
// last event's Finished.
func (w *Writer) verify(r *Reader) (*quire.Finished, error) {
	var last []byte // nil: there is none, or it is long and no end
	for {
		raw, err := r.record(func(_ int32, event []byte) bool { return !isDetail(event) })
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.Seq() != 1 && w.seq == 0 {
			return nil, corrupt(0, fmt.Errorf("the first event is number %d", r.Seq()))
		}
		w.seq, w.synced, w.size = r.Seq(), r.Seq(), r.Offset()
		if last = append(last[:0], raw...); raw == nil {
			last = nil
		}
	}
	if last == nil {
		return nil, nil
	}
	var e struct {
		Finished *quire.Finished `json:"finished"`
	}
	if err := json.Unmarshal(last, &e); err != nil {
		return nil, corrupt(w.size-int64(headLen+len(last)+1), err)
	}
	return e.Finished, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

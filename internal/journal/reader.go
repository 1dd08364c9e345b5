package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"quire"
)

// readChunk is how much room a Reader makes before it reads on.
const readChunk = 64 << 10

// Reader reads a journal's events in order, in time linear in its length and
// in memory for its longest event. It is not safe for concurrent use.
type Reader struct {
	src    io.Reader
	closer io.Closer
	after  int32

	buf     []byte // buf[start:] is read but not yet given out
	start   int
	scanned int // buf[start:scanned] holds no newline
	offset  int64
	seq     int32
	err     error // final: damage, or a failed read
}

// NewReader returns a Reader of a journal's bytes, from the first event or
// from a place between two events.
func NewReader(r io.Reader) *Reader { return &Reader{src: r} }

// OpenFile returns a Reader of the first durable bytes of the journal at path,
// or of all of it for -1. The caller closes it.
func OpenFile(path string, durable int64) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	r := &Reader{src: f, closer: f}
	if durable >= 0 {
		r.src = &io.LimitedReader{R: f, N: durable}
	}
	return r, nil
}

// Close closes the file of a Reader that OpenFile made.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Extend lets a Reader that OpenFile limited read up to a greater durable
// length: after an io.EOF, Next goes on with what is new. A smaller length
// changes nothing.
func (r *Reader) Extend(durable int64) {
	limited, ok := r.src.(*io.LimitedReader)
	if !ok {
		return
	}
	taken := r.offset + int64(len(r.buf)-r.start)
	limited.N = max(limited.N, durable-taken)
}

// Skip makes Next and NextRaw pass over the events numbered up to after,
// without decoding them.
func (r *Reader) Skip(after int32) { r.after = after }

// Seq returns the number of the last event read or passed over, 0 before the first.
func (r *Reader) Seq() int32 { return r.seq }

// Offset returns the end of the last whole record read, in bytes from where
// the Reader began.
func (r *Reader) Offset() int64 { return r.offset }

// Next returns the next event. It returns io.EOF at the end, be it clean or in
// a torn record; if the source has grown since, a later call goes on from
// there. Damage before the last record is ErrCorrupt, for good.
func (r *Reader) Next() (quire.Event, error) {
	raw, err := r.NextRaw()
	if err != nil {
		return quire.Event{}, err
	}
	var e quire.Event
	if err := json.Unmarshal(raw, &e); err != nil {
		r.err = corrupt(r.offset-int64(headLen+len(raw)+1), err)
		return quire.Event{}, r.err
	}
	e.Seq = r.seq // the first one written counts, whatever the JSON says later
	return e, nil
}

// NextRaw is Next without the decoding: it returns the event's JSON as it was
// written, on one line. The bytes are the Reader's until the next call.
func (r *Reader) NextRaw() ([]byte, error) {
	for {
		event, err := r.record()
		if err != nil {
			return nil, err
		}
		if r.seq > r.after {
			return event, nil
		}
	}
}

// record reads one record and checks it, without consuming a torn one.
func (r *Reader) record() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	end, err := r.line()
	if err != nil {
		return nil, err
	}
	event, seq, bad := parseLine(r.buf[r.start:end])
	if bad != nil {
		return nil, r.damaged(end+1, bad)
	}
	if r.seq != 0 && seq != r.seq+1 {
		return nil, r.fail(corrupt(r.offset, fmt.Errorf("event %d follows event %d", seq, r.seq)))
	}
	r.offset += int64(end + 1 - r.start)
	r.start, r.scanned, r.seq = end+1, end+1, seq
	return event, nil
}

// damaged says what a bad line that ends before next is: the torn end of the
// journal, or damage if anything follows it.
func (r *Reader) damaged(next int, reason error) error {
	lineLen := next - r.start
	if len(r.buf) == next {
		if err := r.fill(); err != nil {
			return err
		}
	}
	if len(r.buf)-r.start > lineLen {
		return r.fail(corrupt(r.offset, reason))
	}
	return io.EOF
}

// line returns where in buf the next line ends, reading as much as that takes.
func (r *Reader) line() (end int, err error) {
	for {
		if i := bytes.IndexByte(r.buf[r.scanned:], '\n'); i >= 0 {
			return r.scanned + i, nil
		}
		r.scanned = len(r.buf)
		if r.scanned-r.start > headLen+MaxEvent {
			return 0, r.fail(corrupt(r.offset, ErrTooLarge))
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads something, or returns io.EOF.
func (r *Reader) fill() error {
	if r.start > 0 && (r.start == len(r.buf) || cap(r.buf)-len(r.buf) < readChunk) {
		n := copy(r.buf, r.buf[r.start:])
		r.buf, r.scanned, r.start = r.buf[:n], r.scanned-r.start, 0
	}
	if cap(r.buf)-len(r.buf) < readChunk {
		grown := make([]byte, len(r.buf), max(min(2*cap(r.buf), headLen+MaxEvent), len(r.buf))+2*readChunk)
		copy(grown, r.buf)
		r.buf = grown
	}
	for range 100 {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		switch {
		case n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return r.fail(fmt.Errorf("read journal: %w", err))
		}
	}
	return r.fail(fmt.Errorf("read journal: %w", io.ErrNoProgress))
}

func (r *Reader) fail(err error) error {
	r.err = err
	return err
}

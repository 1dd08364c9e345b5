package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"quire"
)

// whole is the durable length of a journal of which every byte is durable.
const whole = math.MaxInt64

// readChunk is how much room a Reader makes before it reads on.
const readChunk = 64 << 10

// Reader reads a journal's events in order, in time linear in its length and
// in memory for the longest event that it gives out. It is not safe for
// concurrent use.
type Reader struct {
	src     io.Reader
	file    *os.File // that src is; nil: some other source
	after   int32
	kinds   []string // those that are given out; none: all
	durable int64    // so many bytes are known to be durable, or whole

	buf     []byte // buf[start:] is read but not yet given out
	start   int
	scanned int   // buf[start:scanned] holds no newline
	taken   int64 // bytes read
	offset  int64
	seq     int32
	torn    error // what is bad at offset; nil while nothing is
	proof   proof // that it is damage, sought in what comes after it
	err     error // final: damage, or a failed read

	measured bool // the length of the record at offset was sought in the file
	given    bool // buf was made for the last record, and belongs to who got it
}

// NewReader returns a Reader of a journal's bytes, from the first event or
// from a place between two events. It does not know which of them were
// durable, and takes the end of the last group to be torn where it is bad.
func NewReader(r io.Reader) *Reader { return &Reader{src: r} }

// OpenFile returns a Reader of the first durable bytes of the journal at path,
// or for -1 of one that is durable to its end, as it is after Sync, Close or
// Open. Whatever is bad or missing there is damage. The caller closes the Reader.
func OpenFile(path string, durable int64) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if durable < 0 {
		return &Reader{src: f, file: f, durable: whole}, nil
	}
	return &Reader{src: &io.LimitedReader{R: f, N: durable}, file: f, durable: durable}, nil
}

// Close closes the file of a Reader that OpenFile made.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Extend lets a Reader that OpenFile limited read up to a greater durable
// length: after an io.EOF, Next goes on with what is new. A smaller length
// changes nothing; math.MaxInt64 says that the file is durable to its end.
func (r *Reader) Extend(durable int64) {
	limited, ok := r.src.(*io.LimitedReader)
	if !ok {
		return
	}
	limited.N = max(limited.N, durable-r.taken)
	r.durable = max(r.durable, durable)
}

// Skip makes Next and NextRaw pass over the events numbered up to after,
// without decoding them.
func (r *Reader) Skip(after int32) { r.after = after }

// Only makes Next and NextRaw pass over events of other kinds than these, named
// as in their JSON, without decoding them.
func (r *Reader) Only(kinds ...string) { r.kinds = kinds }

func (r *Reader) wants(seq int32, event []byte) bool {
	return seq > r.after && (len(r.kinds) == 0 || slices.Contains(r.kinds, string(kindOf(event))))
}

// Seq returns the number of the last event read or passed over, 0 before the first.
func (r *Reader) Seq() int32 { return r.seq }

// Offset returns the end of the last whole record read, in bytes from where
// the Reader began.
func (r *Reader) Offset() int64 { return r.offset }

// Next returns the next event. It returns io.EOF at the end, be it clean or
// where a crash has torn the last group; if the source has grown since, a later
// call goes on from a clean end, or from within a record. Damage before that is
// ErrCorrupt, for good.
func (r *Reader) Next() (quire.Event, error) {
	raw, err := r.NextRaw()
	if err != nil {
		return quire.Event{}, err
	}
	return r.decode(raw)
}

// NextRaw is Next without the decoding: it returns the event's JSON as it was
// written, on one line. The bytes are the Reader's until the next call.
func (r *Reader) NextRaw() ([]byte, error) { return r.next(r.wants) }

// next is NextRaw for the events that are wanted, which is asked with the start
// of an event's JSON where that is long.
func (r *Reader) next(wanted func(seq int32, event []byte) bool) ([]byte, error) {
	for {
		event, err := r.record(wanted)
		if err != nil {
			return nil, err
		}
		if event != nil && wanted(r.seq, event) {
			return event, nil
		}
	}
}

// record reads one record and checks it, without consuming a torn one. Of a
// long one that is not wanted it returns nothing.
func (r *Reader) record(wanted func(seq int32, event []byte) bool) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.torn != nil {
		return nil, r.judge()
	}
	if r.given {
		r.buf, r.start, r.scanned, r.given = nil, 0, 0, false
	}
	end, passed, err := r.line(wanted)
	if errors.Is(err, io.EOF) && r.short() {
		return nil, r.fail(corrupt(r.offset, errors.New("it ends before what was durable")))
	}
	if err != nil || passed {
		return nil, err
	}
	if r.torn != nil {
		return nil, r.judge()
	}
	event, seq, bad := parseLine(r.buf[r.start:end])
	if bad == nil {
		bad = r.follows(seq)
	}
	if bad != nil {
		r.torn = bad
		return nil, r.judge()
	}
	r.consume(seq, end+1-r.start)
	r.start, r.scanned = end+1, end+1
	r.given = len(event) > longRecord && r.start == len(r.buf)
	return event, nil
}

// follows returns an error unless the event may come next.
func (r *Reader) follows(seq int32) error {
	if r.seq != 0 && seq != r.seq+1 {
		return fmt.Errorf("event %d follows event %d", seq, r.seq)
	}
	return nil
}

// consume goes on to the next record.
func (r *Reader) consume(seq int32, length int) {
	r.seq, r.measured = seq, false
	r.offset += int64(length)
}

// short reports whether there should be more than has come: at the end.
func (r *Reader) short() bool {
	return r.offset < r.durable && (r.durable != whole || r.start < len(r.buf))
}

// judge says what the bad record at offset is: damage, or the end of what a
// crash has left of the last group. Events beyond it are not believed, be they
// whole or not.
func (r *Reader) judge() error {
	if r.offset < r.durable {
		return r.fail(corrupt(r.offset, r.torn))
	}
	for {
		found := r.proof.sought(r.buf[r.start:])
		r.start, r.scanned = len(r.buf), len(r.buf)
		if found {
			return r.fail(corrupt(r.offset, r.torn))
		}
		if cap(r.buf) > 2*readChunk {
			r.buf, r.start, r.scanned = nil, 0, 0
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// line returns where in buf the next line ends, reading as much as that takes,
// or that it has passed over a record. It sets torn instead as soon as there
// can be no record in it.
func (r *Reader) line(wanted func(seq int32, event []byte) bool) (end int, passed bool, err error) {
	for {
		if i := bytes.IndexByte(r.buf[r.scanned:], '\n'); i >= 0 {
			return r.scanned + i, false, nil
		}
		switch {
		case !isHead(r.buf[r.start:]), bytes.IndexByte(r.buf[r.scanned:], 0) >= 0:
			r.torn = errNoRecord
			return 0, false, nil
		case len(r.buf)-r.start > headLen+MaxEvent:
			r.torn = ErrTooLarge
			return 0, false, nil
		}
		r.scanned = len(r.buf)
		if len(r.buf)-r.start > longRecord && r.file != nil && !r.measured {
			if passed, err := r.long(wanted); passed || err != nil {
				return 0, passed, err
			}
			continue
		}
		if err := r.fill(); err != nil {
			return 0, false, err
		}
	}
}

// fill reads something, or returns io.EOF.
func (r *Reader) fill() error {
	if r.start > 0 && (r.start == len(r.buf) || cap(r.buf)-len(r.buf) < readChunk) {
		n := copy(r.buf, r.buf[r.start:])
		r.buf, r.scanned, r.start = r.buf[:n], r.scanned-r.start, 0
	}
	room := cap(r.buf) - len(r.buf)
	if room < readChunk && (!r.measured || room == 0) {
		grown := make([]byte, len(r.buf), max(min(2*cap(r.buf), headLen+MaxEvent), len(r.buf))+2*readChunk)
		copy(grown, r.buf)
		r.buf = grown
	}
	for range 100 {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		r.taken += int64(n)
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

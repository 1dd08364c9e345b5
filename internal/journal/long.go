package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// longRecord is the length from which on a Reader of a file looks where a
// record ends before it takes memory for it.
const longRecord = 1 << 20

// long is for a long record, of which the start is in buf. It passes over one
// that is sound and not wanted, in no more memory, and makes just the room
// for any other.
func (r *Reader) long(wanted func(seq int32, event []byte) bool) (passed bool, err error) {
	r.measured = true
	start := r.buf[r.start:]
	length, sum, err := r.measure(start)
	if err != nil || length == 0 {
		return false, err // what is bad there shows as it is read
	}
	seq, ok := parseSeq(start[headLen:])
	if said, hex := parseSum(start[:sumLen]); !ok || !hex || said != sum || r.follows(seq) != nil || wanted(seq, start[headLen:]) {
		r.buf = append(make([]byte, 0, length+1), start...)
		r.scanned, r.start = len(r.buf), 0
		return false, nil
	}
	next := r.offset + int64(length) + 1
	if _, err := r.file.Seek(next, io.SeekStart); err != nil {
		return false, r.fail(fmt.Errorf("read journal: %w", err))
	}
	if limited, ok := r.src.(*io.LimitedReader); ok {
		limited.N -= next - r.taken
	}
	r.taken = next
	r.consume(seq, length+1)
	r.buf, r.start, r.scanned = r.buf[:0], 0, 0
	return true, nil
}

// measure returns the length of the record that begins with start, without its
// newline, and its checksum. The length is 0 where no newline is found in what
// may be read.
func (r *Reader) measure(start []byte) (length int, sum uint32, err error) {
	end := min(r.offset+headLen+MaxEvent+1, r.durableEnd())
	sum = mark(start[sumLen]).checksum(start[headLen:])
	chunk := make([]byte, 4*readChunk)
	for at := r.taken; at < end; {
		n, err := r.file.ReadAt(chunk[:min(int64(len(chunk)), end-at)], at)
		text := chunk[:n]
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			return int(at-r.offset) + i, crc32.Update(sum, castagnoli, text[:i]), nil
		}
		switch {
		case errors.Is(err, io.EOF), bytes.IndexByte(text, 0) >= 0:
			return 0, 0, nil
		case err != nil:
			return 0, 0, r.fail(fmt.Errorf("read journal: %w", err))
		}
		sum = crc32.Update(sum, castagnoli, text)
		at += int64(n)
	}
	return 0, 0, nil
}

// durableEnd is how much of the file may be read.
func (r *Reader) durableEnd() int64 {
	if limited, ok := r.src.(*io.LimitedReader); ok {
		return r.taken + limited.N
	}
	return whole
}

package zmtp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// The flags of a frame.
const (
	flagMore    = 1 << 0
	flagLong    = 1 << 1
	flagCommand = 1 << 2
	flagsKnown  = flagMore | flagLong | flagCommand
)

const (
	readBuffer = 64 << 10
	// Frames up to smallFrame are gathered and share one allocation a message.
	smallFrame = 32 << 10
	// A larger frame is first given firstChunk bytes, whatever it claims, and
	// then growth times what has really come: so that little of it is copied.
	firstChunk = 1 << 20
	growth     = 8
	// roomBehind is left behind a larger frame, for its owner to append to it.
	roomBehind = 256
	// keepScratch is how much gathering space is kept between messages.
	keepScratch = 1 << 20
)

// Message is one message of one or more parts.
type Message struct {
	Parts   [][]byte
	Skipped int64 // bytes of the parts, now empty, that Limits.Message had no room for
}

// Reader splits a byte stream into messages and commands. It is not safe for
// concurrent use, and of no use after an error.
type Reader struct {
	in     *bufio.Reader
	limits Limits

	// The message in progress: a command may stand between its parts.
	parts   []part
	scratch []byte
	size    int64
	skipped int64
}

// part is one frame of a message: size bytes of the scratch space, or large.
type part struct {
	size  int
	large []byte
}

// NewReader returns a Reader of what follows the greeting in r.
func NewReader(r io.Reader, limits Limits) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, readBuffer), limits: limits.withDefaults()}
}

// Next returns the next message or the next command's body, whichever comes
// first; the other is nil. The caller owns what it gets. The error is io.EOF
// only between two messages.
func (r *Reader) Next() (message *Message, command []byte, err error) {
	for {
		flags, size, err := r.header()
		if err != nil {
			return nil, nil, err
		}
		if flags&flagCommand != 0 {
			command, err := r.command(flags, size)
			return nil, command, err
		}
		if err := r.part(size); err != nil {
			return nil, nil, err
		}
		if flags&flagMore == 0 {
			return r.message(), nil, nil
		}
	}
}

func (r *Reader) header() (flags byte, size uint64, err error) {
	flags, err = r.in.ReadByte()
	if err != nil {
		if len(r.parts) > 0 {
			err = truncated(err)
		}
		return 0, 0, err
	}
	if flags&^flagsKnown != 0 {
		return 0, 0, fmt.Errorf("%w: frame with reserved flags %#x", ErrProtocol, flags)
	}
	if flags&flagLong == 0 {
		short, err := r.in.ReadByte()
		return flags, uint64(short), truncated(err)
	}
	var long [8]byte
	if _, err := io.ReadFull(r.in, long[:]); err != nil {
		return 0, 0, truncated(err)
	}
	return flags, binary.BigEndian.Uint64(long[:]), nil
}

func (r *Reader) command(flags byte, size uint64) ([]byte, error) {
	if flags&flagMore != 0 {
		return nil, fmt.Errorf("%w: command of several frames", ErrProtocol)
	}
	if size > maxCommand {
		return nil, fmt.Errorf("%w: command of %d bytes, at most %d", ErrTooLarge, size, maxCommand)
	}
	body := make([]byte, size)
	_, err := io.ReadFull(r.in, body)
	return body, truncated(err)
}

func (r *Reader) part(size uint64) error {
	if size > uint64(r.limits.Frame) {
		return fmt.Errorf("%w: frame of %d bytes, at most %d", ErrTooLarge, size, r.limits.Frame)
	}
	if len(r.parts) == r.limits.Parts {
		return fmt.Errorf("%w: message of more than %d parts", ErrTooLarge, r.limits.Parts)
	}
	if int64(size) > r.limits.Message-r.size {
		// A kernel that shows something huge has done nothing wrong: the
		// connection goes on, with a message that says what it lacks.
		r.parts = append(r.parts, part{})
		r.skipped += int64(size)
		_, err := r.in.Discard(int(size))
		return truncated(err)
	}
	r.size += int64(size)
	if size > smallFrame {
		large, err := r.large(int(size))
		r.parts = append(r.parts, part{large: large})
		return err
	}
	at := len(r.scratch)
	r.scratch = slices.Grow(r.scratch, int(size))[:at+int(size)]
	r.parts = append(r.parts, part{size: int(size)})
	_, err := io.ReadFull(r.in, r.scratch[at:])
	return truncated(err)
}

// large reads a frame whose size is only claimed: memory follows what comes.
func (r *Reader) large(size int) ([]byte, error) {
	body := make([]byte, min(size, firstChunk), min(size, firstChunk)+roomBehind)
	for at := 0; ; {
		if _, err := io.ReadFull(r.in, body[at:]); err != nil {
			return nil, truncated(err)
		}
		if len(body) == size {
			return body, nil
		}
		at = len(body)
		next := min(size, growth*at)
		grown := make([]byte, next, next+roomBehind)
		copy(grown, body)
		body = grown
	}
}

// message hands out the parts that were gathered and makes room for the next.
func (r *Reader) message() *Message {
	small := slices.Clone(r.scratch)
	message := &Message{Parts: make([][]byte, len(r.parts)), Skipped: r.skipped}
	at := 0
	for i, p := range r.parts {
		if p.large != nil {
			message.Parts[i] = p.large
			continue
		}
		message.Parts[i] = small[at : at+p.size : at+p.size]
		at += p.size
	}
	clear(r.parts) // large parts belong to the caller now
	r.parts, r.scratch, r.size, r.skipped = r.parts[:0], r.scratch[:0], 0, 0
	if cap(r.scratch) > keepScratch {
		r.parts, r.scratch = nil, nil
	}
	return message
}

// truncated makes an end of the stream within a frame tell itself from one
// between two messages.
func truncated(err error) error {
	if err == io.EOF { //nolint:errorlint // bufio returns it bare, and only that one is meant
		return io.ErrUnexpectedEOF
	}
	return err
}

// Package journal keeps an execution's events on disk and turns them into the
// executed notebook: Writer appends events and makes them durable in groups,
// Reader gives them back, Notebook is the pure reducer.
//
// A journal is a text file, one event a line: a CRC-32C as eight hexadecimal
// digits, a mark, the event's JSON, a newline. The JSON starts with the event's
// number, so that a reader can pass over events without decoding them. The
// checksum is that of the mark and the JSON.
//
// Records are written in groups that share a sync, and a group is written only
// after the one before is durable. The mark is a '+' in the first record of a
// group and a '-' in the others: so a '+' proves that all before it was durable
// once. A power cut can lose any part of the last group, in any order; where
// something is bad and no '+' comes after it, the next writer cuts that group
// off from there. Where a '+' does come after it, the journal is damaged, and
// says so. Journals from before groups were marked have a space for a mark that
// the checksum leaves out; what stands before such a record counts as durable.
//
// What an event means for an execution's state is quire.Progress's; what a
// notebook looks like as a file is nbformat's.
package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// MaxEvent is the largest JSON of one event, in bytes, that is written or read.
const MaxEvent = 512 << 20

// ErrCorrupt says that a journal is damaged where it was durable. The error
// that wraps it names the byte.
var ErrCorrupt = errors.New("journal is damaged")

// ErrTooLarge is returned by Append for an event of more than MaxEvent bytes.
var ErrTooLarge = errors.New("event is too large for the journal")

const (
	sumLen    = 8
	headLen   = sumLen + 1
	seqPrefix = `{"seq":`
)

// mark stands between a record's checksum and its JSON. The checksum covers it,
// for it says something about other records: one that was taken for the other
// would make damage of a torn end, or a torn end of damage.
type mark byte

const (
	begins   mark = '+' // the first of its group
	goesOn   mark = '-' // the group is that of the record before
	unmarked mark = ' ' // from before groups were marked; the checksum leaves it out
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	sumOfPlus  = crc32.Checksum([]byte{byte(begins)}, castagnoli)
	sumOfMinus = crc32.Checksum([]byte{byte(goesOn)}, castagnoli)
)

func (m mark) known() bool { return m == begins || m == goesOn || m == unmarked }

// checksum returns the checksum of a record whose JSON begins with start.
func (m mark) checksum(start []byte) uint32 {
	switch m {
	case begins:
		return crc32.Update(sumOfPlus, castagnoli, start)
	case goesOn:
		return crc32.Update(sumOfMinus, castagnoli, start)
	case unmarked:
	}
	return crc32.Checksum(start, castagnoli)
}

// parseLine returns the JSON in a line, without its newline, and its number.
func parseLine(line []byte) (event []byte, seq int32, err error) {
	if len(line) < headLen || !mark(line[sumLen]).known() {
		return nil, 0, errNoRecord
	}
	event = line[headLen:]
	if sum, ok := parseSum(line[:sumLen]); !ok || sum != mark(line[sumLen]).checksum(event) {
		return nil, 0, errors.New("the checksum does not match")
	}
	seq, ok := parseSeq(event)
	if !ok {
		return nil, 0, errors.New("the record does not start with its number")
	}
	return event, seq, nil
}

var errNoRecord = errors.New("what stands there is no record")

// isHead reports whether a record's line may begin with start, however short
// that is.
func isHead(start []byte) bool {
	_, ok := parseSum(start[:min(len(start), sumLen)])
	return ok && (len(start) <= sumLen || mark(start[sumLen]).known())
}

// digits are the values of a checksum's digits; notDigit is set for the rest.
var digits = func() (values [256]byte) {
	for c := range values {
		values[c] = notDigit
	}
	for value, c := range []byte("0123456789abcdef") {
		values[c] = byte(value)
	}
	return values
}()

const notDigit = 1 << 7

// parseSum reads a checksum, or the first digits of one. It takes no branch on
// what they are: nobody could guess it.
func parseSum(text []byte) (sum uint32, ok bool) {
	var all byte
	for _, c := range text {
		value := digits[c]
		all |= value
		sum = sum<<4 | uint32(value)&0xf
	}
	return sum, all&notDigit == 0
}

// parseSeq reads the number of an event off the start of its JSON.
func parseSeq(event []byte) (int32, bool) {
	digits, ok := bytes.CutPrefix(event, []byte(seqPrefix))
	if !ok {
		return 0, false
	}
	var seq int64
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9' && seq <= math.MaxInt32:
			seq = seq*10 + int64(c-'0')
		case c == ',' && i > 0 && seq > 0 && seq <= math.MaxInt32:
			return int32(seq), true
		default:
			return 0, false
		}
	}
	return 0, false
}

func corrupt(offset int64, reason error) error {
	return fmt.Errorf("%w at byte %d: %w", ErrCorrupt, offset, reason)
}

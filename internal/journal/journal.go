// Package journal keeps an execution's events on disk and turns them into the
// executed notebook: Writer appends events and makes them durable in groups,
// Reader gives them back, Notebook is the pure reducer.
//
// A journal is a text file, one event a line: the CRC-32C of the event's JSON
// as eight hexadecimal digits, a space, the JSON, a newline. The JSON starts
// with the event's number, so that a reader can pass over events without
// decoding them. The file only ever grows; a record that a crash left half
// written at its end is cut off by the next writer.
//
// What an event means for an execution's state is quire.Progress's; what a
// notebook looks like as a file is nbformat's.
package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// MaxEvent is the largest JSON of one event, in bytes, that is written or read.
const MaxEvent = 512 << 20

// ErrCorrupt says that a journal is damaged before its last record. The error
// that wraps it names the byte.
var ErrCorrupt = errors.New("journal is damaged")

// ErrTooLarge is returned by Append for an event of more than MaxEvent bytes.
var ErrTooLarge = errors.New("event is too large for the journal")

const (
	sumLen    = 8
	headLen   = sumLen + 1
	seqPrefix = `{"seq":`
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendHead appends what stands before an event's JSON in its line.
func appendHead(dst, event []byte) []byte {
	sum := crc32.Checksum(event, castagnoli)
	dst = hex.AppendEncode(dst, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return append(dst, ' ')
}

// parseLine returns the JSON in a line, without its newline, and its number.
func parseLine(line []byte) (event []byte, seq int32, err error) {
	if len(line) < headLen {
		return nil, 0, errors.New("the record is too short")
	}
	event = line[headLen:]
	var head [headLen]byte
	if !bytes.Equal(line[:headLen], appendHead(head[:0], event)) {
		return nil, 0, errors.New("the checksum does not match")
	}
	seq, ok := parseSeq(event)
	if !ok {
		return nil, 0, errors.New("the record does not start with its number")
	}
	return event, seq, nil
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

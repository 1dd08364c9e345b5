package journal

import (
	"encoding/hex"
	"hash/crc32"
	"io"
)

// group is what is written together: records, of which the large outputs are
// left where they are in memory.
type group struct {
	buf   []byte
	large []insert // in the order of their places
	bytes int      // of all
}

// insert is JSON that belongs into a group before what buf has from at on.
type insert struct {
	at  int
	raw []byte
}

// line is an event's record: text with room for its head, and JSON that belongs
// into it before what text has from at on. No raw JSON is none.
type line struct {
	text []byte
	insert
}

// size returns the length of the record.
func (l line) size() int { return len(l.text) + len(l.raw) }

// add appends a record to the group, of which it may be the first: the
// goroutine takes what is pending as one group, and the next only after it has
// synced that.
func (g *group) add(l line) {
	m := goesOn
	if g.bytes == 0 {
		m = begins
	}
	l.appendHead(m)
	if len(l.raw) > 0 {
		g.large = append(g.large, insert{len(g.buf) + l.at, l.raw})
	}
	g.buf = append(g.buf, l.text...)
	g.bytes += l.size()
}

// appendHead writes the record's head into its room.
func (l line) appendHead(m mark) {
	sum := m.checksum(l.text[headLen:l.at])
	sum = crc32.Update(sum, castagnoli, l.raw)
	sum = crc32.Update(sum, castagnoli, l.text[l.at:len(l.text)-1])
	head := hex.AppendEncode(l.text[:0], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	_ = append(head, byte(m))
}

// writeTo writes the group's records.
func (g *group) writeTo(w io.Writer) error {
	from := 0
	for _, l := range g.large {
		if _, err := w.Write(g.buf[from:l.at]); err != nil {
			return err
		}
		if _, err := w.Write(l.raw); err != nil {
			return err
		}
		from = l.at
	}
	_, err := w.Write(g.buf[from:])
	return err
}

// emptied returns an empty group that may use the memory of this one.
func (g *group) emptied() group {
	if cap(g.buf) > keepBuffer {
		return group{}
	}
	return group{buf: g.buf[:0]}
}

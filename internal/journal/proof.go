package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// The last bytes of a head and the first of its JSON, of the records that prove
// that everything before them was durable. No record's JSON holds them: outside
// of its strings there is no plus before a brace and no space at all, and in a
// string the quote would be escaped.
var (
	beginsGroup  = window([]byte{byte(begins)}, seqPrefix)
	beforeGroups = window([]byte{byte(unmarked)}, seqPrefix)
)

// The checksums of their starts.
var (
	startSum    = begins.checksum([]byte(seqPrefix))
	oldStartSum = unmarked.checksum([]byte(seqPrefix))
)

func window(m []byte, json string) (w uint64) {
	for _, c := range append(m, json...) {
		w = w<<8 | uint64(c)
	}
	return w
}

// proof looks through what comes after a bad record for a whole one that was
// written only after the bad one had been durable. The bytes may be anything,
// a newline may be lost: a record can begin everywhere. It takes time linear in
// their number, and no memory.
type proof struct {
	sum, json uint64 // the last 16 bytes
	within    bool   // a record may have begun
	want, got uint32 // its checksum, and that of what has come of it
	size      int    // of that
}

// sought takes the next bytes and reports whether such a record ends in them.
func (p *proof) sought(b []byte) bool {
	from := 0 // where in b the record's bytes go on
	for i, c := range b {
		if c == '\n' && p.within {
			p.take(b[from:i])
			if p.got == p.want && p.size <= MaxEvent {
				return true
			}
			p.within = false
		}
		p.sum, p.json = p.sum<<8|p.json>>56, p.json<<8|uint64(c)
		if p.json == beginsGroup || p.json == beforeGroups {
			p.begin()
			from = i + 1
		}
	}
	if p.within {
		p.take(b[from:])
	}
	return false
}

// begin starts with the record whose head and first bytes were seen. One that
// was under way is none: this one would stand in it.
func (p *proof) begin() {
	var digits [sumLen]byte
	binary.BigEndian.PutUint64(digits[:], p.sum)
	p.want, p.within = parseSum(digits[:])
	p.got, p.size = startSum, len(seqPrefix)
	if p.json == beforeGroups {
		p.got = oldStartSum
	}
}

func (p *proof) take(b []byte) {
	p.got = crc32.Update(p.got, castagnoli, b)
	p.size += len(b)
}

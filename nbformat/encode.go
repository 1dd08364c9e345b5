package nbformat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// flushAt is how many bytes an encoder holds back before it writes.
const flushAt = 64 << 10

// encoder lays JSON out as Python's json.dumps does with sorted keys and
// without ASCII escapes: over lines, one space a level, or on one line.
type encoder struct {
	buf   []byte
	lines bool // over lines, with long texts as lists of lines
	level int
	out   io.Writer // nil: everything stays in buf
	err   error     // out's first

	members []member // of the objects that are open in value
	scratch []byte   // the text of one string
	sorted  []byte   // the members of one object
}

// field is a member of an object that the encoder makes.
type field struct {
	name  string
	write func()
}

// member is a member of an object in buf.
type member struct {
	key        string
	start, end int
}

// canonical returns a value on one line with its keys sorted. It shares no
// memory with raw, which must be JSON.
func canonical(raw json.RawMessage) json.RawMessage {
	e := encoder{buf: make([]byte, 0, len(raw))}
	e.value(raw)
	return slices.Clip(e.buf)
}

// object writes an object of the fields and of what extra has beside them.
func (e *encoder) object(extra Object, fields ...field) {
	for name, raw := range extra {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			fields = append(fields, field{name, func() { e.value(raw) }})
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	e.open('{')
	for i, f := range fields {
		e.item(i)
		e.key(f.name)
		f.write()
	}
	e.close('}', len(fields))
}

func (e *encoder) key(name string) {
	e.text(name)
	e.buf = append(e.buf, ':')
	if e.lines {
		e.buf = append(e.buf, ' ')
	}
}

func (e *encoder) open(bracket byte) {
	e.buf = append(e.buf, bracket)
	e.level++
}

// item begins the i-th item of what is open.
func (e *encoder) item(i int) {
	if i > 0 {
		e.buf = append(e.buf, ',')
	}
	e.newline()
}

// close ends what is open and has n items.
func (e *encoder) close(bracket byte, n int) {
	e.level--
	if n > 0 {
		e.newline()
	}
	e.buf = append(e.buf, bracket)
}

func (e *encoder) newline() {
	if !e.lines {
		return
	}
	e.buf = append(e.buf, '\n')
	for range e.level {
		e.buf = append(e.buf, ' ')
	}
}

// flush hands on what has been gathered once it is worth it.
func (e *encoder) flush(atLeast int) {
	if e.out == nil || len(e.buf) < atLeast {
		return
	}
	e.write(e.buf)
	e.buf = e.buf[:0]
}

func (e *encoder) write(b []byte) {
	if e.err == nil {
		_, e.err = e.out.Write(b)
	}
}

// text writes a string.
func (e *encoder) text(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	e.buf = appendQuoted(e.buf, s)
}

// multiline writes a text as Jupyter's files hold it.
func (e *encoder) multiline(s string) {
	if !e.lines {
		e.text(s)
		return
	}
	n := 0
	e.open('[')
	for line := range lines(s) {
		e.item(n)
		e.text(line)
		e.flush(flushAt)
		n++
	}
	e.close(']', n)
}

// value writes JSON that was made elsewhere. Of equal keys the last one stays.
func (e *encoder) value(raw json.RawMessage) {
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	if e.out != nil && isLongText(raw) {
		e.flush(0)
		e.write(raw[:skipString(raw, 0)])
		return
	}
	e.buf = slices.Grow(e.buf, len(raw))
	e.valueAt(raw, skipSpace(raw, 0))
}

// valueAt writes the value that starts at i and returns where it has ended.
func (e *encoder) valueAt(raw []byte, i int) int {
	switch raw[i] {
	case '{':
		return e.objectAt(raw, i)
	case '[':
		return e.arrayAt(raw, i)
	case '"':
		return e.stringAt(raw, i)
	default:
		end := skipScalar(raw, i)
		e.buf = append(e.buf, raw[i:end]...)
		return end
	}
}

func (e *encoder) stringAt(raw []byte, i int) int {
	end := skipString(raw, i)
	if bytes.IndexByte(raw[i:end], '\\') < 0 {
		e.buf = append(e.buf, raw[i:end]...)
		return end
	}
	e.scratch = appendUnquoted(e.scratch[:0], raw[i+1:end-1])
	e.buf = appendQuoted(e.buf, e.scratch)
	return end
}

func (e *encoder) arrayAt(raw []byte, i int) int {
	e.open('[')
	n := 0
	for i = skipSpace(raw, i+1); raw[i] != ']'; i = skipSpace(raw, i) {
		if raw[i] == ',' {
			i++
			continue
		}
		e.item(n)
		i = e.valueAt(raw, i)
		n++
	}
	e.close(']', n)
	return i + 1
}

func (e *encoder) objectAt(raw []byte, i int) int {
	e.open('{')
	first := len(e.members)
	for i = skipSpace(raw, i+1); raw[i] != '}'; i = skipSpace(raw, i) {
		if raw[i] == ',' {
			i++
			continue
		}
		if len(e.members) > first {
			e.buf = append(e.buf, ',')
		}
		m := member{start: len(e.buf)}
		e.newline()
		end := skipString(raw, i)
		m.key = unquote(raw[i:end])
		e.key(m.key)
		i = e.valueAt(raw, skipSpace(raw, skipSpace(raw, end)+1))
		m.end = len(e.buf)
		e.members = append(e.members, m)
	}
	n := e.sort(e.members[first:])
	e.members = e.members[:first]
	e.close('}', n)
	return i + 1
}

// sort puts the members that end buf in order and returns how many stay.
func (e *encoder) sort(all []member) int {
	inOrder := true
	for i := 1; i < len(all); i++ {
		inOrder = inOrder && all[i-1].key < all[i].key
	}
	if inOrder {
		return len(all)
	}
	start := all[0].start
	slices.SortStableFunc(all, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	e.sorted = e.sorted[:0]
	n := 0
	for i, m := range all {
		if i+1 < len(all) && all[i+1].key == m.key {
			continue
		}
		if n > 0 {
			e.sorted = append(e.sorted, ',')
		}
		e.sorted = append(e.sorted, e.buf[m.start:m.end]...)
		n++
	}
	e.buf = append(e.buf[:start], e.sorted...)
	return n
}

// appendQuoted appends s as a JSON string that escapes only what it must.
func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

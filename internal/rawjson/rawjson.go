// Package rawjson looks at JSON that is kept as it came: whether it is JSON at
// all, and where its parts are. It is for what may be large, of which a copy
// costs memory and a look at each byte time. What the parts mean is left to
// others, and so is what is small: encoding/json reads that.
package rawjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep Scan follows what is nested, as encoding/json does.
const maxDepth = 10_000

// Form is how JSON is written.
type Form struct {
	Spaced     bool // there is white space between its tokens
	Surrogates bool // a string has an escape of half a pair, or of a pair
}

// Valid reports whether data is one JSON text in UTF-8.
func Valid(data []byte) bool {
	_, ok := Scan(data)
	return ok
}

// Scan is Valid that tells how the JSON is written, too.
func Scan(data []byte) (Form, bool) {
	if !utf8.Valid(data) {
		return Form{}, false
	}
	s := scanner{data: data}
	s.space()
	ok := s.value(0)
	s.space()
	return s.form, ok && s.at == len(data)
}

// scanner is at a place in data. Its methods pass over what they are named
// after, and report whether it was there.
type scanner struct {
	data []byte
	at   int
	form Form
}

// next returns the byte at the place, 0 at the end: no token begins with it.
func (s *scanner) next() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for {
		switch s.next() {
		case ' ', '\t', '\r', '\n':
			s.at++
			s.form.Spaced = true
		default:
			return
		}
	}
}

func (s *scanner) value(depth int) bool {
	switch s.next() {
	case '"':
		return s.text()
	case '{', '[':
		return depth < maxDepth && s.items(depth+1)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// items passes over an object or an array.
func (s *scanner) items(depth int) bool {
	object, end := false, byte(']')
	if s.next() == '{' {
		object, end = true, '}'
	}
	s.at++
	s.space()
	if s.char(end) {
		return true
	}
	for {
		if object && !s.key() || !s.value(depth) {
			return false
		}
		s.space()
		if s.char(end) {
			return true
		}
		if !s.char(',') {
			return false
		}
		s.space()
	}
}

// key passes over a member's name, up to its value.
func (s *scanner) key() bool {
	if s.next() != '"' || !s.text() {
		return false
	}
	s.space()
	if !s.char(':') {
		return false
	}
	s.space()
	return true
}

func (s *scanner) char(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) word(w string) bool {
	ok := bytes.HasPrefix(s.data[s.at:], []byte(w))
	s.at += len(w)
	return ok
}

func (s *scanner) number() bool {
	s.char('-')
	if !s.char('0') && !s.digits() {
		return false
	}
	if s.char('.') && !s.digits() {
		return false
	}
	if s.char('e') || s.char('E') {
		if !s.char('+') {
			s.char('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.at
	for c := s.next(); c >= '0' && c <= '9'; c = s.next() {
		s.at++
	}
	return s.at > from
}

func (s *scanner) text() bool {
	s.at++
	for {
		s.at += plain(s.data[s.at:])
		switch s.next() {
		case '"':
			s.at++
			return true
		case '\\':
			if !s.escape() {
				return false
			}
		default: // a control character, or the end
			return false
		}
	}
}

// plain returns how many bytes there are before a quote, a backslash, a control
// character or the end. It looks at eight of them at a time: this is where the
// time goes.
func plain(text []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(text)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(text[n:])
		quote, slash := w^('"'*each), w^('\\'*each)
		// The lowest bit that is set is right; others may come of its borrow.
		found := ((w-' '*each)&^w | (quote-each)&^quote | (slash-each)&^slash) & high
		if found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for ; n < len(text); n++ {
		if c := text[n]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return n
}

func (s *scanner) escape() bool {
	s.at++
	switch s.next() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return true
	case 'u':
		return s.hex()
	}
	return false
}

func (s *scanner) hex() bool {
	const digits = 4
	s.at++
	if len(s.data)-s.at < digits {
		return false
	}
	code := s.data[s.at : s.at+digits]
	for _, c := range code {
		if (c < '0' || c > '9') && (c|' ' < 'a' || c|' ' > 'f') {
			return false
		}
	}
	if code[0]|' ' == 'd' && code[1] >= '8' {
		s.form.Surrogates = true
	}
	s.at += digits
	return true
}

package rawjson

import (
	"bytes"
	"encoding/json"
)

// A Span is where a value stands in JSON.
type Span struct{ Start, End int }

// Of returns the value: a part of data.
func (s Span) Of(data []byte) []byte { return data[s.Start:s.End] }

// Members returns where the values of the object are that data, valid JSON,
// holds at its start, by name; of equal names the last one counts. It returns
// nil where there is something else.
func Members(data []byte) map[string]Span {
	s := scanner{data: data}
	s.space()
	if !s.char('{') {
		return nil
	}
	members := map[string]Span{}
	for s.space(); s.next() == '"'; s.space() {
		name := s.at
		s.skip()
		var key string
		// Nothing else than a valid string can be there.
		_ = json.Unmarshal(data[name:s.at], &key)
		s.space()
		s.char(':')
		s.space()
		start := s.at
		s.skip()
		members[key] = Span{start, s.at}
		s.space()
		s.char(',')
	}
	return members
}

// Compact takes the white space between the tokens of valid JSON out of it, in
// its own memory, and returns what is left.
func Compact(data []byte) []byte {
	s := scanner{data: data}
	n := 0
	for s.space(); s.at < len(data); s.space() {
		from := s.at
		s.token()
		if n == from {
			n = s.at
			continue
		}
		n += copy(data[n:], data[from:s.at])
	}
	return data[:n]
}

// skip passes over a value.
func (s *scanner) skip() {
	for depth := 0; s.at < len(s.data); {
		switch s.next() {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		token := s.next()
		s.token()
		if depth == 0 && token != ',' && token != ':' {
			return
		}
		s.space()
	}
}

// token passes over a string, a bracket, a comma, a colon, or a run of what
// numbers and words are made of.
func (s *scanner) token() {
	switch s.next() {
	case '"':
		s.quoted()
	case '{', '}', '[', ']', ',', ':':
		s.at++
	default:
		for s.at < len(s.data) && bytes.IndexByte([]byte("{}[],:\" \t\r\n"), s.data[s.at]) < 0 {
			s.at++
		}
	}
}

// quoted passes over a string that is known to be one: by the quotes in it.
func (s *scanner) quoted() {
	s.at++
	for {
		n := bytes.IndexByte(s.data[s.at:], '"')
		if n < 0 {
			s.at = len(s.data)
			return
		}
		s.at += n + 1
		escapes := 0
		for s.data[s.at-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return
		}
	}
}

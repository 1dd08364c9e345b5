package nbformat

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"quire"
	"quire/internal/rawjson"
)

// maxDepth bounds how deep the value of a field may be nested. The programs
// that read our notebooks recurse; Python's gives up at a few hundred levels.
const maxDepth = 200

// checkSyntax returns an error about what unless data is one JSON text in
// UTF-8. What follows in this file walks over JSON that has passed it, or that
// encoding/json has passed, and relies on that.
func checkSyntax(what string, data []byte) error {
	switch {
	case rawjson.Valid(data):
		return nil
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return quire.Errorf(quire.InvalidArgument, "%s is empty", what)
	case !utf8.Valid(data):
		return quire.Errorf(quire.InvalidArgument, "%s is not UTF-8: invalid bytes at byte %d", what, invalidUTF8(data)+1)
	}
	var v any
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &v))
	switch {
	case !ok:
		return quire.Errorf(quire.InvalidArgument, "%s is not JSON", what)
	case beyondDepth(data[:syntax.Offset]):
		return quire.Errorf(quire.InvalidArgument, "%s %s", what, tooDeepText)
	case syntax.Offset >= int64(len(data)) && truncated(data):
		return quire.Errorf(quire.InvalidArgument, "%s is truncated: its JSON breaks off at its end, byte %d", what, len(data))
	default:
		return quire.Errorf(quire.InvalidArgument, "%s is not JSON: syntax error at byte %d", what, syntax.Offset)
	}
}

// beyondDepth tells encoding/json's own limit of depth from other errors at
// the end of data.
func beyondDepth(data []byte) bool {
	last := data[len(data)-1]
	return (last == '[' || last == '{') && tooDeep(data)
}

// truncated tells the end of the input from an error at its last byte.
func truncated(data []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(data))
	var raw json.RawMessage
	err := dec.Decode(&raw)
	_, syntax := errors.AsType[*json.SyntaxError](err)
	return err != nil && !syntax
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// kind returns the first byte of a value, which says what it is.
func kind(raw []byte) byte {
	if i := skipSpace(raw, 0); i < len(raw) {
		return raw[i]
	}
	return 0
}

// members yields the members of an object in their order. The values are
// parts of raw.
func members(raw []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for i := skipSpace(raw, 0) + 1; ; i++ {
			i = skipSpace(raw, i)
			if raw[i] == '}' {
				return
			}
			end := skipString(raw, i)
			key := unquote(raw[i:end])
			start := skipSpace(raw, skipSpace(raw, end)+1)
			i = skipValue(raw, start)
			if !yield(key, raw[start:i:i]) {
				return
			}
			if i = skipSpace(raw, i); raw[i] == '}' {
				return
			}
		}
	}
}

// elements yields the elements of an array with their indices. They are parts
// of raw.
func elements(raw []byte) iter.Seq2[int, json.RawMessage] {
	return func(yield func(int, json.RawMessage) bool) {
		i := skipSpace(raw, 0) + 1
		for n := 0; ; n++ {
			start := skipSpace(raw, i)
			if raw[start] == ']' {
				return
			}
			end := skipValue(raw, start)
			if !yield(n, raw[start:end:end]) {
				return
			}
			if i = skipSpace(raw, end); raw[i] == ']' {
				return
			}
			i++
		}
	}
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\r' || raw[i] == '\t') {
		i++
	}
	return i
}

// skipString returns where the string that opens at i has ended, which is the
// end of raw where it does not close.
func skipString(raw []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(raw[i:], '"')
		if n < 0 {
			return len(raw)
		}
		i += n
		escapes := 0
		for raw[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// skipValue returns where the value that starts at i has ended.
func skipValue(raw []byte, i int) int {
	for depth := 0; ; {
		switch raw[i] {
		case '"':
			i = skipString(raw, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\r', '\t':
			i++
			continue
		default:
			i = skipScalar(raw, i)
		}
		if depth == 0 {
			return i
		}
	}
}

// skipScalar returns where the number, true, false or null at i has ended.
func skipScalar(raw []byte, i int) int {
	for i < len(raw) {
		switch raw[i] {
		case ',', ':', '}', ']', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

// tooDeep reports whether a value, or the beginning of one, is nested deeper
// than maxDepth.
func tooDeep(raw []byte) bool {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = skipString(raw, i) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// unquote returns the text of a JSON string. Half of a surrogate pair becomes
// U+FFFD, as in encoding/json.
func unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return string(appendUnquoted(make([]byte, 0, len(raw)), raw))
}

// appendUnquoted appends the text of a JSON string that has lost its quotes.
func appendUnquoted(text, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(text, raw...)
		}
		text = append(text, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			r := hexRune(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
					pair = utf16.DecodeRune(r, hexRune(raw[2:]))
				}
				if r = pair; r != utf8.RuneError {
					raw = raw[6:]
				}
			}
			text = utf8.AppendRune(text, r)
		default: // a quote, a backslash, a slash
			text = append(text, c)
		}
	}
}

func hexRune(raw []byte) rune {
	n, err := strconv.ParseUint(string(raw[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

package nbformat

import (
	"encoding/json"
	"iter"
	"strings"
	"unicode/utf8"
)

// lines yields the lines of s with their ends, which are those that Jupyter's
// own files are split at: Python's str.splitlines.
func lines(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			end := lineEnd(s)
			if !yield(s[:end]) {
				return
			}
			s = s[end:]
		}
	}
}

// lineEnd returns the length of the first line of s with its end.
func lineEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\r':
			if strings.HasPrefix(s[i+1:], "\n") {
				return i + 2
			}
			return i + 1
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e:
			return i + 1
		case 0xc2, 0xe2: // the first bytes of U+0085 and of U+2028, U+2029
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == '\u0085' || r == '\u2028' || r == '\u2029' {
				return i + n
			}
		}
	}
	return len(s)
}

// joinLines returns the text of a JSON string or of an array of strings, each
// followed by sep but for the last. It returns false for anything else.
func joinLines(raw json.RawMessage, sep string) (string, bool) {
	switch kind(raw) {
	case '"':
		return unquote(raw), true
	case '[':
		var text strings.Builder
		for i, line := range elements(raw) {
			if kind(line) != '"' {
				return "", false
			}
			if i > 0 {
				text.WriteString(sep)
			}
			text.WriteString(unquote(line))
		}
		return text.String(), true
	default:
		return "", false
	}
}

package cli

import (
	"regexp"
	"strings"
	"unicode"
)

// printable returns s on one line, without anything that a terminal would
// obey: names, messages and sources are written by others.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case obeyed(r):
			return -1
		}
		return r
	}, s)
}

// obeyed reports whether r may make a terminal do something, or show text in
// another order than it has.
func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// colour matches the escape sequences that change the look of text alone;
// escape every other one that is complete.
var (
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
	escape = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[@-Z\\\\^_])")
)

// block returns text of several lines without anything that a terminal would
// obey, but its colours where they are wanted.
func block(s string, colours bool) string {
	var b strings.Builder
	for s != "" {
		at := colour.FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		b.WriteString(plain(s[:at[0]]))
		if colours {
			b.WriteString(s[at[0]:at[1]])
		}
		s = s[at[1]:]
	}
	return b.String()
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && obeyed(r) {
			return -1
		}
		return r
	}, escape.ReplaceAllString(s, ""))
}

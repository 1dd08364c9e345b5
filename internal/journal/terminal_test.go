package journal_test

import (
	"strings"
	"testing"
	"time"

	"quire/internal/journal"
)

func TestTerminal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"nothing", nil, ""},
		{"plain lines", []string{"a\nb\n", "c"}, "a\nb\nc"},
		{"empty lines", []string{"\n\n", "a\n", "\n"}, "\n\na\n\n"},
		{"carriage return overwrites", []string{"abc\rX"}, "Xbc"},
		{"carriage return alone shows the line", []string{"abc\r"}, "abc"},
		{"carriage return and newline", []string{"abc\r\ndef"}, "abc\ndef"},
		{"carriage return and newline apart", []string{"abc\r", "\ndef"}, "abc\ndef"},
		{"carriage returns in the middle of lines", []string{"10%\r20%\r30%\ndone\n"}, "30%\ndone\n"},
		{"newline from within a line keeps its rest", []string{"abc\rX\nd"}, "Xbc\nd"},
		{"only the current line is overwritten", []string{"a\nb\rc"}, "a\nc"},
		{"cursor survives messages", []string{"abcdef", "\r", "12", "34"}, "1234ef"},
		{"backspace moves", []string{"abc\b"}, "abc"},
		{"backspace and overwrite", []string{"abc\b\bX"}, "aXc"},
		{"backspace stops at the start", []string{"a\n\b\b\bb"}, "a\nb"},
		{"backspace, blank, backspace erases", []string{"ab\b \b", "c"}, "ac"},
		{"wide characters overwrite one another", []string{"50 ██\r60 ███ é\b!"}, "60 ███ !"},
		{"tabs and bells stay", []string{"a\tb\a\n"}, "a\tb\a\n"},
		{"colours stay", []string{"\x1b[31mred\x1b[0m\nx"}, "\x1b[31mred\x1b[0m\nx"},
		{"colours take no column", []string{"\x1b[31mred\x1b[0m\rX"}, "Xed\x1b[0m"},
		{"colours do not pile up", []string{strings.Repeat("\x1b[32mbar\x1b[0m\r", 100)}, "\x1b[32mbar\x1b[0m"},
		{"a coloured line grows", []string{"\x1b[32mb\x1b[0m", "c\n"}, "\x1b[32mb\x1b[0mc\n"},
		{"erase to the end of the line", []string{"abcdef\r12\x1b[K"}, "12"},
		{"erase the line", []string{"abcdef\x1b[2K\r12"}, "12"},
		{"erase at the start of the line", []string{"abcdef\r\x1b[0K12\n"}, "12\n"},
		{"escape sequence in two messages", []string{"ab\r\x1b", "[", "K12"}, "12"},
		{"unfinished escape sequence is shown", []string{"ab\x1b[3"}, "ab\x1b[3"},
		{"newline ends an escape sequence", []string{"a\x1b[3\nb"}, "a\x1b[3\nb"},
		{"escape of two characters", []string{"a\x1bMb\rX"}, "X\x1bMb"},
		{"escape in an escape", []string{"a\x1b\x1b[K"}, "a\x1b"},
		{"endless escape sequence", []string{"\x1b[" + strings.Repeat("1", 200) + "\n"}, "\x1b[" + strings.Repeat("1", 200) + "\n"},
		{"invalid UTF-8", []string{"a\xffb"}, "a\uFFFDb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := journal.Terminal(tt.texts...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// However the text is cut into messages, it shows the same.
func TestTerminalIsIncremental(t *testing.T) {
	text := "one\r\ntwo\b\bX\n\x1b[31mred\x1b[0m\rR\x1b[K é█\b\b\b\n\n\x1b[2Kend\rE"
	want := journal.Terminal(text)
	for i := range text {
		if got := journal.Terminal(text[:i], text[i:]); got != want {
			t.Errorf("cut at %d: got %q, want %q", i, got, want)
		}
	}
}

func TestTerminalLongLine(t *testing.T) {
	long := strings.Repeat("0123456789", journal.MaxColumns/4)
	if got := journal.Terminal(long); got != long {
		t.Errorf("a long line changed: %d bytes, want %d", len(got), len(long))
	}
	got := journal.Terminal(long, "\r", "X\n")
	if len(got) != len(long)+1 || strings.Count(got, "X") != 1 || strings.HasPrefix(got, "X") {
		t.Errorf("carriage return in a long line: %d bytes with %d marks", len(got), strings.Count(got, "X"))
	}
}

// Text that was made to be slow takes no longer than other text.
func TestTerminalIsLinear(t *testing.T) {
	const size = 1 << 20
	for name, unit := range map[string]string{
		"progress bar":       "\r 42% |████████        | 42/100",
		"escapes alone":      "\x1b[m",
		"erase and write":    "\x1b[2Kx",
		"erase after much":   strings.Repeat("x", 1000) + "\x1b[2K\x1b[K",
		"back and forth":     "é\ba\b",
		"carriage returns":   "\r",
		"newlines":           "\n",
		"one line":           "x",
		"colours and return": "\x1b[31mx\x1b[0m\r",
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			journal.Terminal(strings.Repeat(unit, size/len(unit)))
			// Linear is well below a second, quadratic is minutes.
			if d := time.Since(begin); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

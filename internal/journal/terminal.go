package journal

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxColumns is how much of an unfinished line can still be written over.
	// The first half of a longer one is settled, as where a terminal wraps.
	maxColumns = 1 << 16
	// maxEscape is the longest escape sequence that is waited for.
	maxEscape = 64
)

// terminal turns a stream's text into what a terminal shows: a carriage return
// goes back to the start of the line, a backspace one column back, and what
// comes then overwrites. Of the escape sequences it acts on "erase in line";
// the others take no column and stay in the text. Time is linear in what is
// written, memory in what is shown.
type terminal struct {
	settled strings.Builder // cannot change any more
	line    []column        // the current line
	at      int             // the cursor, 0 to len(line)
	marks   []byte          // escape sequences in front of the cursor
	tail    string          // escape sequences after the last column
	escape  []byte          // an escape sequence that is not complete
}

// column is a character with the escape sequences in front of it.
type column struct {
	marks string
	char  rune
}

func (t *terminal) write(text string) {
	for text != "" {
		if n := t.settle(text); n > 0 {
			text = text[n:]
			continue
		}
		char, size := utf8.DecodeRuneInString(text)
		if !t.escaped(char) {
			t.put(char)
		}
		text = text[size:]
	}
}

// settle takes the whole lines at the start of text that need no editing, and
// returns their length.
func (t *terminal) settle(text string) int {
	if len(t.line) > 0 || len(t.marks) > 0 || t.tail != "" || len(t.escape) > 0 {
		return 0
	}
	plain := text
	if i := strings.IndexAny(text, "\r\b\x1b"); i >= 0 {
		plain = text[:i]
	}
	n := strings.LastIndexByte(plain, '\n') + 1
	t.settled.WriteString(plain[:n])
	return n
}

// put takes one character that is no part of an escape sequence.
func (t *terminal) put(char rune) {
	switch char {
	case '\n':
		t.leave()
		t.render(&t.settled, t.line)
		t.settled.WriteString(t.tail)
		t.settled.WriteByte('\n')
		t.line, t.at, t.tail = t.line[:0], 0, ""
	case '\r':
		t.leave()
		t.at = 0
	case '\b':
		t.leave()
		t.at = max(t.at-1, 0)
	default:
		t.print(char)
	}
}

func (t *terminal) print(char rune) {
	if t.at < len(t.line) {
		t.line[t.at] = column{marks: string(t.marks), char: char}
	} else {
		t.line = append(t.line, column{marks: t.tail + string(t.marks), char: char})
		t.tail = ""
	}
	t.at++
	t.marks = t.marks[:0]
	if len(t.line) >= maxColumns && t.at >= maxColumns/2 {
		t.render(&t.settled, t.line[:maxColumns/2])
		t.line = t.line[:copy(t.line, t.line[maxColumns/2:])]
		t.at -= maxColumns / 2
	}
}

// leave puts the marks where they stand, before the cursor moves away. They
// replace those of an earlier pass, or a coloured progress bar would pile
// them up.
func (t *terminal) leave() {
	switch {
	case len(t.marks) == 0:
	case t.at < len(t.line):
		t.line[t.at].marks = string(t.marks)
	default:
		t.tail = string(t.marks)
	}
	t.marks = t.marks[:0]
}

// escaped takes char if it belongs to an escape sequence.
func (t *terminal) escaped(char rune) bool {
	if len(t.escape) == 0 {
		if char == '\x1b' {
			t.escape = append(t.escape, '\x1b')
			return true
		}
		return false
	}
	if char < ' ' || char > '~' || len(t.escape) >= maxEscape {
		// Not what it looked like: keep the start, take the character for itself.
		t.endEscape()
		return t.escaped(char)
	}
	t.escape = append(t.escape, byte(char))
	introduced := len(t.escape) == 2 && char == '['
	if !introduced && (len(t.escape) == 2 || char >= '@') {
		t.endEscape()
	}
	return true
}

// endEscape acts on the escape sequence, or keeps it as a mark.
func (t *terminal) endEscape() {
	switch string(t.escape) {
	case "\x1b[K", "\x1b[0K":
		t.line, t.tail = t.line[:t.at], ""
	case "\x1b[2K":
		// A terminal leaves the cursor in its column, but who erases a line goes
		// back to its start next, or has just done so.
		t.line, t.at, t.tail = t.line[:0], 0, ""
	default:
		t.marks = append(t.marks, t.escape...)
	}
	t.escape = t.escape[:0]
}

// String returns what the terminal shows.
func (t *terminal) String() string {
	if len(t.line) == 0 && t.tail == "" && len(t.marks) == 0 && len(t.escape) == 0 {
		return t.settled.String()
	}
	var b strings.Builder
	b.WriteString(t.settled.String())
	t.render(&b, t.line[:t.at])
	b.Write(t.marks)
	b.Write(t.escape)
	t.render(&b, t.line[t.at:])
	b.WriteString(t.tail)
	return b.String()
}

func (t *terminal) render(b *strings.Builder, line []column) {
	for _, c := range line {
		b.WriteString(c.marks)
		b.WriteRune(c.char)
	}
}

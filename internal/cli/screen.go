package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// plainWidth is where a line ends that goes to no terminal.
const plainWidth = 100

// screen is what progress is written to.
type screen struct {
	w       io.Writer
	live    bool // a terminal whose last line can be drawn again
	colours bool
	columns func() int
}

func newScreen(w io.Writer) screen {
	s := screen{w: w, columns: func() int { return plainWidth }}
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return s
	}
	fd := int(f.Fd()) //nolint:gosec // a file descriptor
	if !term.IsTerminal(fd) {
		return s
	}
	s.live = true
	s.colours = os.Getenv("NO_COLOR") == ""
	s.columns = func() int {
		if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
			return columns
		}
		return plainWidth
	}
	return s
}

const clearLine = "\r\x1b[K"

// draw puts text on the line that is drawn again.
func (s screen) draw(text string) { s.write(clearLine + text) }

// line writes text that stays, and ends the line.
func (s screen) line(text string) {
	if s.live {
		text = clearLine + text
	}
	s.write(text + "\n")
}

// write gives up where the screen is gone: the run matters more.
func (s screen) write(text string) { _, _ = io.WriteString(s.w, text) }

// The looks of text, as a terminal takes them.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
	bold   = "1"
)

func (s screen) paint(look, text string) string {
	if !s.colours || text == "" {
		return text
	}
	return "\x1b[" + look + "m" + text + "\x1b[0m"
}

// row is one line of progress: a mark, what it is about, and how long it took.
type row struct {
	mark, look string
	head       string // never cut
	label      string // cut to what fits
	tail       string
}

func (s screen) row(r row) string {
	head := r.mark + " "
	if r.head != "" {
		head += r.head + " "
	}
	room := s.columns() - 1 - columnsOf(head) - len("  ") - columnsOf(r.tail)
	return s.paint(r.look, r.mark) + strings.TrimPrefix(head, r.mark) + fit(r.label, room) + "  " + s.paint(faint, r.tail)
}

// fit cuts s to so many columns.
func fit(s string, columns int) string {
	if columnsOf(s) <= columns {
		return s
	}
	used := 0
	for i, r := range s {
		if used += columnsOf(string(r)); used >= columns {
			return s[:i] + "…"
		}
	}
	return s
}

// columnsOf returns how wide s stands on a terminal.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// elapsed says how long something took.
func elapsed(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

package report

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// control is a sequence of a terminal, or a character that a page cannot hold.
var control = regexp.MustCompile("\x1b\\[([0-9;:]*)([@-~])|\x1b[^\\[]?|[\x00-\x08\x0b\x0c\x0e-\x1f]")

// pen is how a terminal writes at a moment.
type pen struct {
	bold, italic, underlined, reversed bool
	front, back                        string // a class, or a colour as #rrggbb
}

// ansi returns text that was meant for a terminal as HTML, with its colours.
func ansi(text string) string {
	var b strings.Builder
	var p pen
	last := 0
	for _, at := range control.FindAllStringSubmatchIndex(text, -1) {
		p.write(&b, text[last:at[0]])
		last = at[1]
		if at[4] >= 0 && text[at[4]:at[5]] == "m" {
			p.set(strings.FieldsFunc(text[at[2]:at[3]], func(r rune) bool { return r == ';' || r == ':' }))
		}
	}
	p.write(&b, text[last:])
	return b.String()
}

func (p *pen) write(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	if *p == (pen{}) {
		b.WriteString(html.EscapeString(text))
		return
	}
	var classes, colours []string
	for _, style := range []struct {
		class string
		on    bool
	}{{"bold", p.bold}, {"italic", p.italic}, {"underlined", p.underlined}, {"reversed", p.reversed}} {
		if style.on {
			classes = append(classes, style.class)
		}
	}
	for _, ground := range []struct{ colour, class, property string }{{p.front, "f", "color"}, {p.back, "b", "background-color"}} {
		switch {
		case strings.HasPrefix(ground.colour, "#"):
			colours = append(colours, ground.property+":"+ground.colour)
		case ground.colour != "":
			classes = append(classes, ground.class+ground.colour)
		}
	}
	b.WriteString(`<span class="` + strings.Join(classes, " ") + `"`)
	if len(colours) > 0 {
		b.WriteString(` style="` + strings.Join(colours, ";") + `"`)
	}
	b.WriteString(">" + html.EscapeString(text) + "</span>")
}

// set follows the numbers of one "select graphic rendition".
func (p *pen) set(fields []string) {
	if len(fields) == 0 {
		*p = pen{}
	}
	for i := 0; i < len(fields); i++ {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return
		}
		switch {
		case n == 0:
			*p = pen{}
		case n == 1, n == 22:
			p.bold = n == 1
		case n == 3, n == 23:
			p.italic = n == 3
		case n == 4, n == 24:
			p.underlined = n == 4
		case n == 7, n == 27:
			p.reversed = n == 7
		case n >= 30 && n <= 37:
			p.front = strconv.Itoa(n - 30)
		case n >= 90 && n <= 97:
			p.front = strconv.Itoa(n - 90 + 8)
		case n >= 40 && n <= 47:
			p.back = strconv.Itoa(n - 40)
		case n >= 100 && n <= 107:
			p.back = strconv.Itoa(n - 100 + 8)
		case n == 39:
			p.front = ""
		case n == 49:
			p.back = ""
		case n == 38, n == 48:
			colour, used := extended(fields[i+1:])
			if n == 38 {
				p.front = colour
			} else {
				p.back = colour
			}
			i += used
		}
	}
}

// extended reads a colour of the 256 or of all, and says how many fields it took.
func extended(fields []string) (colour string, used int) {
	n := make([]int, len(fields))
	for i, field := range fields {
		n[i], _ = strconv.Atoi(field) // 0 is as good as any
	}
	switch {
	case len(n) >= 2 && n[0] == 5:
		return indexed(n[1] & 255), 2
	case len(n) >= 4 && n[0] == 2:
		return fmt.Sprintf("#%02x%02x%02x", n[1]&255, n[2]&255, n[3]&255), 4
	}
	return "", len(fields)
}

// indexed is a colour of the table of 256: 16 named ones, a cube, greys.
func indexed(n int) string {
	switch {
	case n < 16:
		return strconv.Itoa(n)
	case n < 232:
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		n -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
	}
	grey := 8 + 10*(n-232)
	return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
}

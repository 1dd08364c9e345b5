package report

import (
	"html"
	"strconv"
	"strings"

	"quire/nbformat"
)

// shown says how a part of a cell appears.
type shown int

const (
	open shown = iota
	folded
	removed
)

// marks are what a cell's tags and metadata say of it: those of nbconvert and
// Jupyter Book, and those that papermill's report mode sets.
type marks struct {
	cell, input, output shown
}

func marksOf(c *nbformat.Cell, hideCode bool) marks {
	var m marks
	for _, tag := range c.Tags() {
		switch strings.ReplaceAll(tag, "_", "-") {
		case "remove-cell":
			m.cell = removed
		case "hide-cell":
			m.cell = max(m.cell, folded)
		case "remove-input":
			m.input = removed
		case "hide-input":
			m.input = max(m.input, folded)
		case "remove-output":
			m.output = removed
		case "hide-output":
			m.output = max(m.output, folded)
		}
	}
	hidden, _ := nbformat.Get[struct {
		Source  bool `json:"source_hidden"`
		Outputs bool `json:"outputs_hidden"`
	}](c.Metadata, "jupyter")
	if hidden.Source { // as papermill's report mode does
		m.input = max(m.input, removed)
	}
	if hidden.Outputs {
		m.output = max(m.output, folded)
	}
	if hideCode {
		m.input = removed
	}
	return m
}

func (p *page) cell(c *nbformat.Cell) {
	m := marksOf(c, p.hideCode)
	if m.cell == removed {
		return
	}
	p.fold(m.cell, "cell", func() {
		switch c.Type {
		case nbformat.Markdown:
			p.text("<section class=\"markdown\">\n", markdown(c.Source, attachmentsOf(c)), "</section>\n")
		case nbformat.Raw:
			p.text("<section><pre>", html.EscapeString(c.Source), "</pre></section>\n")
		case nbformat.Code:
			p.code(c, m)
		}
	})
}

func (p *page) code(c *nbformat.Cell, m marks) {
	empty := strings.TrimSpace(c.Source) == ""
	if (m.input == removed || empty) && (m.output == removed || len(c.Outputs) == 0) {
		return
	}
	p.text("<section class=\"code\">\n")
	if m.input != removed && !empty {
		p.fold(m.input, "code", func() {
			count := " "
			if c.ExecutionCount > 0 {
				count = strconv.Itoa(c.ExecutionCount)
			}
			p.text("<div class=\"input\"><span class=\"prompt\">[", count, "]</span>", p.highlighted(c.Source), "</div>\n")
		})
	}
	if m.output != removed && len(c.Outputs) > 0 {
		p.fold(m.output, "output", func() {
			for i := range c.Outputs {
				p.output(&c.Outputs[i])
			}
		})
	}
	p.text("</section>\n")
}

// fold puts what write writes behind a summary, where it is to be folded.
func (p *page) fold(s shown, summary string, write func()) {
	if s != folded {
		write()
		return
	}
	p.text("<details><summary>", summary, "</summary>\n")
	write()
	p.text("</details>\n")
}

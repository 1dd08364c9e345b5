// Package report writes an executed notebook as one page of HTML that needs
// nothing else and does nothing: no script, no form, no address that a browser
// would fetch from. What a notebook brings is sanitised, and the page's own
// policy forbids what might slip through. Outputs that live only by script are
// replaced by what else the notebook says of them.
package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"quire"
	"quire/nbformat"
)

// Policy is the Content-Security-Policy that the page carries, and that is to
// be sent with it.
const Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"

//go:embed report.css
var style string

// Options of a report; nil means the defaults.
type Options struct {
	Title    string // default: Notebook
	HideCode bool   // no cell's code is shown
}

// Write writes the report of nb.
func Write(w io.Writer, nb *nbformat.Notebook, o *Options) error {
	if o == nil {
		o = &Options{}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	p := &page{Writer: out, language: nb.Language(), hideCode: o.HideCode}
	p.head(nb, o.Title)
	for _, cell := range nb.Cells {
		p.cell(cell)
	}
	p.text("</main>\n</body>\n</html>\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is what is being written. The buffered writer keeps its first error,
// which Write returns.
type page struct {
	*bufio.Writer
	language string
	hideCode bool
}

func (p *page) text(parts ...string) {
	for _, part := range parts {
		_, _ = p.WriteString(part)
	}
}

// run is what the notebook's metadata says of the run.
type run struct {
	State   quire.State    `json:"state"`
	Failure *quire.Failure `json:"failure"`
}

func (p *page) head(nb *nbformat.Notebook, title string) {
	if title == "" {
		title = "Notebook"
	}
	title = html.EscapeString(title)
	p.text("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		"<meta http-equiv=\"Content-Security-Policy\" content=\"", Policy, "\">\n",
		"<meta name=\"referrer\" content=\"no-referrer\">\n",
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
		"<meta name=\"color-scheme\" content=\"light dark\">\n",
		"<title>", title, "</title>\n<style>", style, highlightStyle(), "</style>\n</head>\n<body>\n<main>\n<header>\n<p class=\"title\">", title)
	if of, ok := nbformat.Get[run](nb.Metadata, "quire"); ok {
		p.text(" <span class=\"state ", html.EscapeString(strings.ToLower(string(of.State))), "\">", html.EscapeString(string(of.State)), "</span>")
		p.text("</p>\n")
		if when := lastRun(nb); !when.IsZero() {
			p.text("<p class=\"soft\">run until ", when.UTC().Format("2006-01-02 15:04:05 MST"), "</p>\n")
		}
		if f := of.Failure; f != nil {
			p.text("<p class=\"failure\">", html.EscapeString(f.Message), "</p>\n")
		}
	} else {
		p.text("</p>\n")
	}
	p.text("</header>\n")
}

// lastRun is when the last cell that ran came to its end.
func lastRun(nb *nbformat.Notebook) time.Time {
	var last time.Time
	for _, cell := range nb.Cells {
		times, _ := nbformat.Get[map[string]string](cell.Metadata, "execution")
		for _, text := range times {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.After(last) {
				last = t
			}
		}
	}
	return last
}

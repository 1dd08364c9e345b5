package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"regexp"
	"strings"

	"quire/nbformat"
)

func (p *page) output(o *nbformat.Output) {
	switch o.Type {
	case nbformat.StreamOutput:
		class := "stream"
		if o.Name == "stderr" {
			class = "stream stderr"
		}
		p.text("<pre class=\"", class, "\">", ansi(o.Text), "</pre>\n")
	case nbformat.ErrorOutput:
		trace := strings.Join(o.Traceback, "\n")
		if trace == "" {
			trace = o.ErrorName + ": " + o.ErrorValue
		}
		p.text("<pre class=\"error\">", ansi(trace), "</pre>\n")
	case nbformat.DisplayData, nbformat.ExecuteResult:
		p.text("<div class=\"output\">", bundle(o.Data), "</div>\n")
	}
}

// active finds HTML that is nothing without its scripts.
var active = regexp.MustCompile(`(?i)<(script|iframe|object|embed|canvas|video|audio)\b`)

// images are shown from the notebook's own bytes. An SVG is an image too: as
// one it runs no script and loads nothing.
var images = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// bundle returns what shows the richest type of data that needs no script.
func bundle(data nbformat.Object) string {
	page, hasPage := nbformat.Get[string](data, "text/html")
	isActive := active.MatchString(page)
	if hasPage && !isActive {
		return sanitized(page)
	}
	plain, _ := nbformat.Get[string](data, "text/plain")
	if svg, ok := nbformat.Get[string](data, "image/svg+xml"); ok {
		return image("image/svg+xml", base64.StdEncoding.EncodeToString([]byte(svg)), plain)
	}
	for _, mime := range images {
		if encoded, ok := nbformat.Get[string](data, mime); ok {
			return image(mime, encoded, plain)
		}
	}
	if text, ok := nbformat.Get[string](data, "text/markdown"); ok {
		return markdown(text, nil)
	}
	if text, ok := nbformat.Get[string](data, "text/latex"); ok {
		return "<pre class=\"tex\">" + html.EscapeString(text) + "</pre>"
	}
	if raw, ok := data["application/json"]; ok {
		var indented bytes.Buffer
		if json.Indent(&indented, raw, "", "  ") == nil {
			return "<details open><summary>JSON</summary><pre>" + html.EscapeString(indented.String()) + "</pre></details>"
		}
	}
	return inactive(page, plain, isActive || plain == "")
}

// inactive is what can be said of an output whose life is in its scripts.
func inactive(page, plain string, note bool) string {
	var b strings.Builder
	if text := strings.TrimSpace(sanitized(page)); text != "" {
		b.WriteString(text)
	} else if plain != "" {
		b.WriteString("<pre>" + ansi(plain) + "</pre>")
	}
	if note {
		b.WriteString("<p class=\"note\">An interactive output is not part of this report.</p>")
	}
	return b.String()
}

var space = strings.NewReplacer("\n", "", "\r", "", " ", "", "\t", "")

// image returns an image by its bytes, or says that they are none.
func image(mime, encoded, plain string) string {
	encoded = space.Replace(encoded)
	if _, err := base64.StdEncoding.DecodeString(encoded); err != nil {
		return "<p class=\"note\">An image that cannot be read.</p>"
	}
	alt := "image of the output"
	if plain != "" {
		alt = plain[:min(len(plain), 200)]
	}
	return "<img src=\"data:" + mime + ";base64," + encoded + "\" alt=\"" + html.EscapeString(alt) + "\">"
}

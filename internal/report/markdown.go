package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"

	"quire/nbformat"
)

// converter reads Markdown as Jupyter does. HTML in it is let through, to be
// sanitised with the rest.
var converter = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))
})

// policy is what may stand in a report: text, tables, lists, links to other
// pages, images by their bytes, and styles that only colour and align.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowStandardAttributes()
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "div", "span", "b", "i", "u", "s", "em", "strong", "small",
		"sub", "sup", "code", "pre", "kbd", "samp", "var", "mark", "del", "ins", "blockquote", "figure", "figcaption", "details", "summary",
		"caption", "center", "dl", "dt", "dd")
	p.AllowLists()
	p.AllowTables()
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^[\w -]{0,200}$`)).Globally()
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*$`)).OnElements("img")
	p.AllowAttrs("alt", "title").OnElements("img")
	p.AllowAttrs("width", "height").Matching(bluemonday.NumberOrPercent).OnElements("img")
	p.AllowURLSchemeWithCustomPolicy("data", func(u *url.URL) bool { return strings.HasPrefix(u.Opaque, "image/") })
	p.AllowStyles("color", "background-color", "text-align", "font-weight", "font-style", "width", "text-decoration", "padding", "margin",
		"border", "border-collapse", "white-space").Globally()
	return p
})

func sanitized(page string) string { return policy().Sanitize(page) }

// attachmentsOf returns a cell's attached images as data URLs, by their names.
func attachmentsOf(c *nbformat.Cell) map[string]string {
	attached, _ := nbformat.Get[map[string]map[string]json.RawMessage](c.Extra, "attachments")
	urls := map[string]string{}
	for name, data := range attached {
		for mime, raw := range data {
			var encoded string
			if json.Unmarshal(raw, &encoded) != nil || !strings.HasPrefix(mime, "image/") {
				continue
			}
			if mime == "image/svg+xml" && strings.HasPrefix(strings.TrimSpace(encoded), "<") {
				encoded = base64.StdEncoding.EncodeToString([]byte(encoded))
			}
			urls[name] = "data:" + mime + ";base64," + space.Replace(encoded)
		}
	}
	return urls
}

var attachment = regexp.MustCompile(`\(attachment:([^)\s]+)\)`)

// markdown returns the text as HTML that may stand in the report.
func markdown(text string, attachments map[string]string) string {
	text = attachment.ReplaceAllStringFunc(text, func(link string) string {
		name := attachment.FindStringSubmatch(link)[1]
		if plain, err := url.PathUnescape(name); err == nil && attachments[plain] != "" {
			name = plain
		}
		if to := attachments[name]; to != "" {
			return "(" + to + ")"
		}
		return link
	})
	var b bytes.Buffer
	if converter().Convert([]byte(keepFormulas(text)), &b) != nil {
		return "<pre>" + html.EscapeString(text) + "</pre>"
	}
	return policy().SanitizeReader(&b).String()
}

var (
	fence   = regexp.MustCompile("(?ms)^(```|~~~).*?^(```|~~~)[ \t]*$|`[^`\n]+`")
	display = regexp.MustCompile(`(?s)\$\$(.+?)\$\$`)
	inline  = regexp.MustCompile(`\$([^\s$](?:[^$\n]*[^\s$])?)\$`)
)

// keepFormulas makes code of the formulas outside of code: there is nothing
// here that sets them, and Markdown would take their underlines for its own.
func keepFormulas(text string) string {
	var b strings.Builder
	last := 0
	for _, at := range append(fence.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		prose := display.ReplaceAllStringFunc(text[last:at[0]], func(formula string) string {
			return "\n\n```tex\n" + strings.Trim(formula, "$\n") + "\n```\n\n"
		})
		if !strings.Contains(prose, "```") {
			prose = inline.ReplaceAllString(prose, "`$1`")
		}
		b.WriteString(prose)
		b.WriteString(text[at[0]:at[1]])
		last = at[1]
	}
	return b.String()
}

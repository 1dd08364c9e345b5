package report

import (
	"html"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	formatter "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
)

// maxHighlighted bounds what is coloured: lexers of some languages are slow.
const maxHighlighted = 64 << 10

var code = formatter.New(formatter.WithClasses(true), formatter.PreventSurroundingPre(true)) //nolint:gochecknoglobals // it holds no state

// highlightStyle is the style sheet of highlighted, in light and in dark.
var highlightStyle = sync.OnceValue(func() string {
	var b strings.Builder
	_ = code.WriteCSS(&b, styles.Get("github")) // a builder takes everything
	b.WriteString("@media (prefers-color-scheme: dark) {")
	_ = code.WriteCSS(&b, styles.Get("github-dark"))
	b.WriteString("}")
	return b.String()
})

// highlighted returns source as HTML, coloured where its language is known.
func (p *page) highlighted(source string) string {
	plain := "<pre class=\"chroma\">" + html.EscapeString(source) + "</pre>"
	lexer := lexers.Get(p.language)
	if lexer == nil || len(source) > maxHighlighted {
		return plain
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, source)
	if err != nil {
		return plain
	}
	var b strings.Builder
	if code.Format(&b, styles.Get("github"), tokens) != nil {
		return plain
	}
	return "<pre class=\"chroma\">" + strings.TrimSuffix(b.String(), "\n") + "</pre>"
}

package runner

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"quire"
	"quire/nbformat"
)

// The tags that mark a parameters cell and the cell injected after it, as
// papermill's users know them.
const (
	parametersTag = "parameters"
	injectedTag   = "injected-parameters"
)

// injectedID is the injected cell's id in notebooks that have cell ids.
const injectedID = "injected-parameters"

// injectParameters returns the notebook's cells with a cell that assigns those
// inputs whose names the parameters cell assigns. An injected cell of an
// earlier run is replaced. Without anything to assign the cells are as they
// were, and the InjectedCell is nil.
func injectParameters(nb *nbformat.Notebook, language string, inputs map[string]any) ([]*nbformat.Cell, *quire.InjectedCell) {
	lang, ok := languages[language]
	at := slices.IndexFunc(nb.Cells, func(c *nbformat.Cell) bool { return c.HasTag(parametersTag) })
	if !ok || at < 0 || nb.Cells[at].Type != nbformat.Code {
		return nb.Cells, nil
	}
	var lines []string
	assigned := lang.assigned(nb.Cells[at].Source)
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if assigned[name] {
			lines = append(lines, fmt.Sprintf(lang.assign, name, lang.literal(inputs[name])))
		}
	}
	if len(lines) == 0 {
		return nb.Cells, nil
	}
	parameters := nb.Cells[at]
	cells := slices.DeleteFunc(slices.Clone(nb.Cells), func(c *nbformat.Cell) bool { return c.HasTag(injectedTag) })
	at = slices.Index(cells, parameters) + 1
	injected := &quire.InjectedCell{
		Index:  int32(at), //nolint:gosec // a notebook has far fewer cells
		Source: lang.comment + " Parameters\n" + strings.Join(lines, "\n"),
	}
	if nb.Minor >= 5 {
		injected.ID = freeID(nb, injectedID)
	}
	cell := &nbformat.Cell{Type: nbformat.Code, ID: injected.ID, Source: injected.Source}
	return slices.Insert(cells, at, cell), injected
}

// freeID returns id, or one made of it that no cell of the notebook has.
func freeID(nb *nbformat.Notebook, id string) string {
	free := id
	for n := 2; ; n++ {
		if _, taken := nb.CellByID(free); !taken {
			return free
		}
		free = fmt.Sprintf("%s-%d", id, n)
	}
}

// language says how a kernel's language writes assignments and literals.
type language struct {
	comment string
	// target matches a line that assigns at the top level; its first group
	// holds the name, or several with commas or equals signs between them,
	// each perhaps with a type after a colon.
	target  *regexp.Regexp
	assign  string // of name and literal
	literal func(v any) string
}

// assigned returns the names that source assigns at the top level.
func (l language) assigned(source string) map[string]bool {
	names := map[string]bool{}
	for _, m := range l.target.FindAllStringSubmatch(source, -1) {
		for _, target := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == '=' }) {
			name, _, _ := strings.Cut(target, ":")
			names[strings.TrimSpace(name)] = true
		}
	}
	return names
}

// languages by the kernelspec's language in lower case.
var languages = map[string]language{
	"python": {
		comment: "#",
		target:  regexp.MustCompile(`(?m)^((?:[A-Za-z_]\w*(?:[ \t]*,[ \t]*[A-Za-z_]\w*)*[ \t]*(?::[^=\n]+)?=[ \t]*)+)(?:[^=]|$)`),
		assign:  "%s = %s", literal: pythonLiteral.write,
	},
	"r": {
		comment: "#",
		target:  regexp.MustCompile(`(?m)^([A-Za-z.][\w.]*)[ \t]*(?:<-|=(?:[^=]|$))`),
		assign:  "%s = %s", literal: rLiteral.write,
	},
	"julia": {
		comment: "#",
		target:  regexp.MustCompile(`(?m)^(?:global[ \t]+|const[ \t]+)?([A-Za-z_]\w*)[ \t]*(?:::[^=\n]+)?=(?:[^=]|$)`),
		assign:  "%s = %s", literal: juliaLiteral.write,
	},
	"scala": {
		comment: "//",
		target:  regexp.MustCompile(`(?m)^(?:val|var)[ \t]+([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=`),
		assign:  "val %s = %s", literal: scalaLiteral.write,
	},
	"bash": {
		comment: "#",
		target:  regexp.MustCompile(`(?m)^(?:export[ \t]+|declare[ \t]+)?([A-Za-z_]\w*)=`),
		assign:  "%s=%s", literal: bashLiteral,
	},
}

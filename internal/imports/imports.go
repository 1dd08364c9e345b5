// Package imports knows which modules the notebooks of a project import: it
// reads them from a notebook's cells, and chooses from those of the last
// executions what is worth to be imported ahead.
//
// It reads source and runs none. Whether a module is there and fit to be
// imported ahead is seen where that is tried, by package warm.
package imports

import (
	"regexp"
	"slices"
	"strings"

	"quire/nbformat"
)

// What is kept of one notebook. The names are hostile.
const (
	maxName    = 64 // bytes, with dots
	maxParts   = 4
	maxModules = 32
)

var (
	plain      = regexp.MustCompile(`^import[ \t]+(.+)$`)
	from       = regexp.MustCompile(`^from[ \t]+([^ \t]+)[ \t]+import\b`)
	identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// Of returns the modules that the code cells of a Python notebook import at
// their top level, sorted, each once: `import X.y` and `from X.y import z`
// count as X.y. Python's own and those of the deny list are left out. For a
// notebook in another language there are none.
func Of(nb *nbformat.Notebook) []string {
	if language := nb.Language(); language != "" && !strings.EqualFold(language, "python") {
		return nil
	}
	var all []string
	for _, c := range nb.Cells {
		if c.Type == nbformat.Code && !strings.HasPrefix(strings.TrimLeft(c.Source, " \t\n"), "%%") {
			all = appendCell(all, c.Source)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxModules)]
}

func appendCell(all []string, source string) []string {
	for line := range strings.Lines(source) {
		if line[0] != 'i' && line[0] != 'f' {
			continue
		}
		code, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "#")
		for statement := range strings.SplitSeq(code, ";") {
			statement = strings.TrimSpace(statement)
			if m := from.FindStringSubmatch(statement); m != nil {
				all = appendModule(all, m[1])
			}
			if m := plain.FindStringSubmatch(statement); m != nil {
				for clause := range strings.SplitSeq(m[1], ",") {
					name, _, _ := strings.Cut(strings.TrimSpace(clause), " ")
					all = appendModule(all, name)
				}
			}
		}
	}
	return all
}

func appendModule(all []string, name string) []string {
	if len(name) > maxName || strings.Count(name, ".") >= maxParts || denied(name) {
		return all
	}
	for part := range strings.SplitSeq(name, ".") {
		if !identifier.MatchString(part) {
			return all
		}
	}
	return append(all, name)
}

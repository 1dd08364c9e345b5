package pyenv

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"quire"
	"quire/nbformat"
)

// block is a block of metadata in a script, as PEP 723 defines it.
var block = regexp.MustCompile(`(?m)^# /// ([a-zA-Z0-9-]+)$\s((?:^#(?:| .*)$\s)+)^# ///$`)

// scriptDeclaration reads the block "script" of the notebook's first code
// cell; nil where there is none.
func scriptDeclaration(notebook string, nb *nbformat.Notebook) (*quire.EnvironmentDeclaration, error) {
	i := slices.IndexFunc(nb.Cells, func(c *nbformat.Cell) bool { return c.Type == nbformat.Code })
	if i < 0 {
		return nil, nil //nolint:nilnil // nothing is declared
	}
	var found []string
	for _, m := range block.FindAllStringSubmatch(strings.ReplaceAll(nb.Cells[i].Source, "\r\n", "\n"), -1) {
		if m[1] == "script" {
			found = append(found, m[2])
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil //nolint:nilnil // nothing is declared
	case len(found) > 1:
		return nil, invalidDeclaration(notebook, "its first cell has %d script blocks; one is possible", len(found))
	case len(found[0]) > maxDeclaration:
		return nil, invalidDeclaration(notebook, "its script block is larger than %d MiB", maxDeclaration>>20)
	}
	return parseScript(notebook, uncomment(found[0]))
}

// uncomment takes the # off each line, and a space where there is one.
func uncomment(block string) string {
	var b strings.Builder
	for l := range strings.Lines(block) {
		l = strings.TrimPrefix(l, "#")
		b.WriteString(strings.TrimPrefix(l, " "))
	}
	return b.String()
}

func parseScript(notebook, text string) (*quire.EnvironmentDeclaration, error) {
	var script struct {
		RequiresPython string   `toml:"requires-python"`
		Dependencies   []string `toml:"dependencies"`
		Tool           struct {
			UV map[string]any `toml:"uv"`
		} `toml:"tool"`
	}
	if _, err := toml.Decode(text, &script); err != nil {
		return nil, invalidDeclaration(notebook, "its script block is no TOML: %v", err)
	}
	d := &quire.EnvironmentDeclaration{Source: quire.ScriptBlock, Path: notebook}
	var err error
	if d.Python, err = checkPython(notebook, script.RequiresPython); err != nil {
		return nil, err
	}
	if len(script.Dependencies) > maxLines {
		return nil, invalidDeclaration(notebook, "there are more than %d dependencies", maxLines)
	}
	for i, text := range script.Dependencies {
		if err := checkRequirement(notebook, fmt.Sprintf("dependency %d of its script block", i+1), strings.TrimSpace(text)); err != nil {
			return nil, err
		}
		d.Requirements = append(d.Requirements, strings.TrimSpace(text))
	}
	for _, key := range slices.Sorted(maps.Keys(script.Tool.UV)) {
		moment := newest(script.Tool.UV[key])
		if key != "exclude-newer" || moment == "" {
			return nil, invalidDeclaration(notebook, "tool.uv.%.40s of its script block is not possible; only exclude-newer with a moment is", key)
		}
		d.ExcludeNewer = moment
	}
	return d, nil
}

// newest reads a moment, or a day whose end is meant, as RFC 3339.
func newest(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
		if t, err := time.Parse(time.DateOnly, v); err == nil {
			return t.AddDate(0, 0, 1).Format(time.RFC3339)
		}
	}
	return ""
}

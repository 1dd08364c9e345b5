package journal

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"quire"
	"quire/nbformat"
)

// The tags that say what happens to a cell.
const (
	injectedTag = "injected-parameters"
	skipTag     = "skip-execution"
)

var cellID = regexp.MustCompile(`\A[a-zA-Z0-9_-]{1,64}\z`)

// ExecutedCells returns the cells of the executed notebook, in the order in
// which events count them. Without injected those are the input's. With it,
// every cell tagged injected-parameters, from an earlier run, is left out, and
// then the parameters cell is put at its index. The cells but that one are the
// input's own: not to be changed. An index that is outside the notebook is an
// error; the cells then come without the parameters cell.
func ExecutedCells(input *nbformat.Notebook, injected *quire.InjectedCell) ([]*nbformat.Cell, error) {
	if injected == nil {
		return input.Cells, nil
	}
	cells := slices.DeleteFunc(slices.Clone(input.Cells), func(c *nbformat.Cell) bool {
		return c.HasTag(injectedTag)
	})
	if injected.Index < 0 || int(injected.Index) > len(cells) {
		return cells, fmt.Errorf("parameters cell at %d in a notebook of %d cells", injected.Index, len(cells))
	}
	return slices.Insert(cells, int(injected.Index), &nbformat.Cell{
		Type:     nbformat.Code,
		ID:       freeID(input, cells, injected.ID),
		Source:   injected.Source,
		Metadata: nbformat.Object{"tags": json.RawMessage(`["` + injectedTag + `"]`)},
	}), nil
}

// freeID returns wanted if it is a cell id that nobody has, else one like it;
// nothing in a notebook from before cells had ids.
func freeID(input *nbformat.Notebook, cells []*nbformat.Cell, wanted string) string {
	if input.Minor < 5 {
		return ""
	}
	if !cellID.MatchString(wanted) {
		wanted = injectedTag
	}
	taken := make(map[string]bool, len(cells))
	for _, c := range cells {
		taken[c.ID] = true
	}
	id := wanted
	for i := 2; taken[id]; i++ {
		id = injectedTag + "-" + strconv.Itoa(i)
	}
	return id
}

package nbformat

import (
	"encoding/json"
	"strconv"
)

// Validate returns an InvalidArgument error unless the notebook has the
// structure that its version asks for and every value in it is JSON. It does
// not look into metadata and unknown fields.
func (nb *Notebook) Validate() error { return nb.check(checkValue) }

// check validates the notebook; value checks what is kept as JSON.
func (nb *Notebook) check(value func(json.RawMessage) error) error {
	if nb.Major != 4 || nb.Minor < 0 {
		return invalidAt("nbformat", "must be 4, and nbformat_minor a whole number from 0")
	}
	if err := checkObject("metadata", nb.Metadata, value); err != nil {
		return err
	}
	if err := checkObject("the notebook", nb.Extra, value); err != nil {
		return err
	}
	seen := make(map[string]int, len(nb.Cells))
	for i, c := range nb.Cells {
		at := indexed("cells", i)
		if c == nil {
			return invalidAt(at, "must be a cell")
		}
		if err := c.check(at, nb.Minor, value); err != nil {
			return err
		}
		if nb.Minor < idMinor {
			continue
		}
		if first, ok := seen[c.ID]; ok {
			return invalidAt(join(at, "id"), "must differ from that of cells["+strconv.Itoa(first)+"]")
		}
		seen[c.ID] = i
	}
	return nil
}

func (c *Cell) check(at string, minor int, value func(json.RawMessage) error) error {
	switch {
	case c.Type == "" && minor > latestMinor:
		return invalidAt(join(at, "cell_type"), "must not be empty")
	case !c.Type.known() && minor <= latestMinor:
		return invalidAt(join(at, "cell_type"), "must be code, markdown or raw")
	case minor >= idMinor && !validID(c.ID):
		return invalidAt(join(at, "id"), idText)
	case c.Type != Code && len(c.Outputs) > 0:
		return invalidAt(join(at, "outputs"), "must be empty: the cell is no code cell")
	case c.ExecutionCount < 0:
		return invalidAt(join(at, "execution_count"), "must be null or a whole number from 0")
	}
	if err := checkObject(join(at, "metadata"), c.Metadata, value); err != nil {
		return err
	}
	if err := checkObject(at, c.Extra, value); err != nil {
		return err
	}
	for i := range c.Outputs {
		o := &c.Outputs[i]
		place := indexed(join(at, "outputs"), i)
		if !o.Type.known() && minor <= latestMinor {
			return invalidAt(join(place, "output_type"), outputTypeText)
		}
		if err := o.check(place, value); err != nil {
			return err
		}
	}
	return nil
}

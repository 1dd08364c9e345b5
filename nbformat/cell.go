package nbformat

import (
	"encoding/json"
	"slices"
)

// Tags returns the cell's tags, nil where its metadata holds no list of them.
func (c *Cell) Tags() []string {
	tags, _ := Get[[]string](c.Metadata, "tags")
	return tags
}

// HasTag reports whether the cell has the tag.
func (c *Cell) HasTag(tag string) bool { return slices.Contains(c.Tags(), tag) }

// readCell reads a cell of a notebook of the given minor version.
func readCell(f *fields, minor int) (*Cell, error) {
	f.require("cell_type")
	c := &Cell{Type: CellType(f.string("cell_type")), Metadata: f.object("metadata")}
	delete(c.Metadata, "trusted") // a statement about the file that was read
	if minor >= idMinor && f.has("id") {
		if c.ID = f.string("id"); f.err == nil && !validID(c.ID) {
			f.fail("id", idText)
		}
	}
	switch {
	case c.Type.known():
		f.require("source")
		c.Source = f.multiline("source")
	case minor <= latestMinor:
		f.fail("cell_type", "must be code, markdown or raw")
	}
	if c.Type == Code {
		c.ExecutionCount = f.count("execution_count")
		if raw, ok := f.take("outputs"); ok {
			c.Outputs = readOutputs(f, raw, minor)
		}
	}
	if raw, ok := f.left["attachments"]; ok && f.err == nil {
		if f.left["attachments"], ok = readAttachments(raw); !ok {
			f.fail("attachments", "must be objects of data by MIME type, by file name")
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	c.Extra = f.rest()
	return c, f.err
}

func readOutputs(f *fields, raw json.RawMessage, minor int) []Output {
	at := join(f.at, "outputs")
	if kind(raw) != '[' {
		f.fail("outputs", "must be a list")
		return nil
	}
	var outputs []Output
	for i, raw := range elements(raw) {
		o, err := readOutput(newFields(indexed(at, i), raw))
		if err == nil && minor <= latestMinor && !o.Type.known() {
			err = invalidAt(join(indexed(at, i), "output_type"), outputTypeText)
		}
		if err != nil {
			if f.err == nil {
				f.err = err
			}
			return nil
		}
		outputs = append(outputs, o)
	}
	return outputs
}

const outputTypeText = "must be stream, display_data, execute_result or error"

// known reports whether nbformat 4.5 has the type.
func (t CellType) known() bool { return t == Code || t == Markdown || t == Raw }

// cell writes a cell of a notebook of the given minor version.
func (e *encoder) cell(c *Cell, minor int) {
	known := []field{
		{"cell_type", func() { e.text(string(c.Type)) }},
		{"metadata", func() { e.object(c.Metadata) }},
	}
	if minor >= idMinor {
		known = append(known, field{"id", func() { e.text(c.ID) }})
	}
	if c.Type.known() {
		known = append(known, field{"source", func() { e.multiline(c.Source) }})
	}
	if c.Type == Code {
		known = append(known,
			field{"execution_count", func() { e.count(c.ExecutionCount) }},
			field{"outputs", func() { e.outputs(c.Outputs) }})
	}
	if raw, ok := c.Extra["attachments"]; ok {
		known = append(known, field{"attachments", func() { e.attachments(raw) }})
	}
	e.object(c.Extra, known...)
}

func (e *encoder) outputs(outputs []Output) {
	e.open('[')
	for i := range outputs {
		e.item(i)
		e.output(&outputs[i])
		e.flush(flushAt)
	}
	e.close(']', len(outputs))
}

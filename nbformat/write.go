package nbformat

import (
	"fmt"
	"io"
	"strconv"
)

// Write writes the notebook as Jupyter's own writer does: keys sorted, one
// space a level, texts as lists of lines, UTF-8, a line end at the end. Numbers
// come out as they were read. It returns what Validate returns, before it
// writes anything, and then w's errors.
func Write(w io.Writer, nb *Notebook) error {
	if err := nb.Validate(); err != nil {
		return err
	}
	e := &encoder{lines: true, out: w}
	e.object(nb.Extra,
		field{"cells", func() { e.cells(nb) }},
		field{"metadata", func() { e.object(nb.Metadata) }},
		field{"nbformat", func() { e.number(nb.Major) }},
		field{"nbformat_minor", func() { e.number(nb.Minor) }})
	e.buf = append(e.buf, '\n')
	e.flush(0)
	if e.err != nil {
		return fmt.Errorf("write notebook: %w", e.err)
	}
	return nil
}

func (e *encoder) cells(nb *Notebook) {
	e.open('[')
	for i, c := range nb.Cells {
		e.item(i)
		e.cell(c, nb.Minor)
		e.flush(flushAt)
	}
	e.close(']', len(nb.Cells))
}

func (e *encoder) number(n int) { e.buf = strconv.AppendInt(e.buf, int64(n), 10) }

// count writes an execution count.
func (e *encoder) count(n int) {
	if n == 0 {
		e.buf = append(e.buf, "null"...)
		return
	}
	e.number(n)
}

// texts writes a list of strings.
func (e *encoder) texts(list []string) {
	e.open('[')
	for i, s := range list {
		e.item(i)
		e.text(s)
		e.flush(flushAt)
	}
	e.close(']', len(list))
}

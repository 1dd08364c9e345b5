package nbformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"quire"
)

// MaxBytes is the size of the largest notebook that is read, outputs included.
const MaxBytes = 256 << 20

// latestMinor is the newest minor version of nbformat 4 that this package
// knows; what is older than 4 is upgraded to it.
const latestMinor = 5

// Read reads a notebook to r's end. Its errors are r's and those of Parse.
func Read(r io.Reader) (*Notebook, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read notebook: %w", err)
	}
	return Parse(data)
}

// Parse reads a notebook of nbformat 2, 3 or 4; it upgrades the first two to
// 4.5. It does not change or keep data. What is missing and has an obvious
// default gets it: cell ids in 4.5, empty metadata, no outputs.
//
// Every error is a *quire.Error with InvalidArgument. It says where in the
// notebook something is wrong and what would be right, and repeats nothing of
// what the notebook holds.
func Parse(data []byte) (*Notebook, error) {
	if len(data) > MaxBytes {
		return nil, quire.Errorf(quire.InvalidArgument, "the notebook is larger than %d MiB", MaxBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := checkSyntax("the notebook", data); err != nil {
		return nil, err
	}
	if kind(data) != '{' {
		return nil, quire.Errorf(quire.InvalidArgument, "not a notebook: it must be a JSON object")
	}
	f := newFields("", data)
	if !f.has("nbformat") {
		return nil, quire.Errorf(quire.InvalidArgument, "not a notebook: nbformat is missing")
	}
	major, minor := f.version("nbformat"), f.version("nbformat_minor")
	if f.err != nil {
		return nil, f.err
	}
	nb, err := readVersion(f, major, minor)
	if err != nil {
		return nil, err
	}
	nb.AssignIDs()
	if err := nb.check(func(json.RawMessage) error { return nil }); err != nil {
		return nil, err
	}
	return nb, nil
}

func readVersion(f *fields, major, minor int) (*Notebook, error) {
	switch major {
	case 4:
		return readV4(f, minor)
	case 2, 3:
		return readV3(f, major)
	default:
		return nil, quire.Errorf(quire.InvalidArgument, "nbformat %d is not supported: it must be 2, 3 or 4", major)
	}
}

func readV4(f *fields, minor int) (*Notebook, error) {
	cells, ok := f.take("cells")
	if !ok {
		return nil, quire.Errorf(quire.InvalidArgument, "not a notebook: cells are missing")
	}
	nb := &Notebook{Major: 4, Minor: minor, Metadata: f.metadata()}
	if kind(cells) != '[' {
		f.fail("cells", "must be a list")
	}
	if nb.Extra = f.rest(); f.err != nil {
		return nil, f.err
	}
	for i, raw := range elements(cells) {
		cell, err := readCell(newFields(indexed("cells", i), raw), minor)
		if err != nil {
			return nil, err
		}
		nb.Cells = append(nb.Cells, cell)
	}
	return nb, nil
}

// metadata takes the notebook's metadata without what is only true of the
// file that was read.
func (f *fields) metadata() Object {
	m := f.object("metadata")
	delete(m, "orig_nbformat")
	delete(m, "orig_nbformat_minor")
	delete(m, "signature")
	return m
}

// version takes a version number; a missing one is 0.
func (f *fields) version(name string) int {
	raw, ok := f.take(name)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		f.fail(name, "must be a whole number from 0")
	}
	return n
}

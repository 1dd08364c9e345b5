package nbformat

import (
	"encoding/json"
	"strconv"
	"strings"

	"quire"
)

// readV3 reads a notebook of nbformat 2 or 3 and upgrades it as Jupyter does.
func readV3(f *fields, major int) (*Notebook, error) {
	sheets, ok := f.take("worksheets")
	if !ok {
		return nil, quire.Errorf(quire.InvalidArgument, "not a notebook: worksheets are missing")
	}
	f.take("orig_nbformat")
	f.take("orig_nbformat_minor")
	nb := &Notebook{Major: 4, Minor: latestMinor, Metadata: f.metadata()}
	delete(nb.Metadata, "name")
	if kind(sheets) != '[' {
		f.fail("worksheets", "must be a list")
	}
	if nb.Extra = f.rest(); f.err != nil {
		return nil, f.err
	}
	for i, raw := range elements(sheets) {
		sheet := newFields(indexed("worksheets", i), raw)
		cells, ok := sheet.take("cells")
		if sheet.err == nil && (!ok || kind(cells) != '[') {
			sheet.fail("cells", "must be a list")
		}
		if sheet.err != nil {
			return nil, sheet.err
		}
		for j, raw := range elements(cells) {
			old := v3{fields: newFields(indexed(join(sheet.at, "cells"), j), raw), major: major}
			old.cell()
			if old.err != nil {
				return nil, old.err
			}
			cell, err := readCell(old.fields, latestMinor)
			if err != nil {
				return nil, err
			}
			nb.Cells = append(nb.Cells, cell)
		}
	}
	return nb, nil
}

// v3 turns the fields of a cell or output of nbformat 2 or 3 into those of 4.
type v3 struct {
	*fields
	major int
}

func (v *v3) cell() {
	v.take("trusted")
	v.take("id")
	switch kind, _ := Get[string](v.left, "cell_type"); kind {
	case "code":
		v.codeCell()
	case "heading":
		v.headingCell()
	case "html":
		v.left["cell_type"] = json.RawMessage(`"markdown"`)
		fallthrough
	default:
		v.joinLines("source")
		v.joinLines("rendered")
	}
}

func (v *v3) codeCell() {
	v.take("language")
	v.joinLines("input")
	v.rename("input", "source")
	if !v.has("source") {
		v.left["source"] = json.RawMessage(`""`)
	}
	v.rename("prompt_number", "execution_count")
	if collapsed, ok := v.take("collapsed"); ok {
		metadata := Object{}
		if raw, ok := v.left["metadata"]; ok && kind(raw) == '{' {
			metadata = objectOf(raw)
		}
		metadata["collapsed"] = collapsed
		v.left["metadata"] = rawObject(metadata)
	}
	raw, ok := v.left["outputs"]
	if !ok || kind(raw) != '[' {
		return
	}
	upgraded := []byte{'['}
	for i, raw := range elements(raw) {
		old := v3{fields: newFields(indexed(join(v.at, "outputs"), i), raw), major: v.major}
		old.output()
		if old.err != nil {
			v.err = old.err
			return
		}
		if i > 0 {
			upgraded = append(upgraded, ',')
		}
		upgraded = append(upgraded, rawObject(old.left)...)
	}
	v.left["outputs"] = append(upgraded, ']')
}

// headingCell makes a heading a line of Markdown.
func (v *v3) headingCell() {
	level := 1
	if raw, ok := v.take("level"); ok {
		n, err := strconv.Atoi(string(raw))
		if err != nil {
			v.fail("level", "must be a whole number")
			return
		}
		level = min(max(n, 1), 6)
	}
	v.joinLines("source")
	if raw, ok := v.left["source"]; ok && kind(raw) != '"' {
		v.fail("source", "must be a string or a list of strings")
	}
	source, _ := Get[string](v.left, "source")
	var words []string
	for line := range lines(source) {
		words = append(words, strings.TrimRight(line, "\r\n\v\f\x1c\x1d\x1e\u0085\u2028\u2029"))
	}
	v.left["cell_type"] = json.RawMessage(`"markdown"`)
	v.left["source"] = appendQuoted(nil, strings.Repeat("#", level)+" "+strings.Join(words, " "))
}

func (v *v3) output() {
	for _, name := range []string{"text", "html", "svg", "latex", "javascript", "json"} {
		v.joinLines(name)
	}
	switch kind, _ := Get[string](v.left, "output_type"); kind {
	case "pyout":
		v.left["output_type"] = json.RawMessage(`"execute_result"`)
		v.rename("prompt_number", "execution_count")
		v.mimeBundle()
	case "display_data":
		v.take("prompt_number")
		v.mimeBundle()
	case "pyerr":
		v.left["output_type"] = json.RawMessage(`"error"`)
	case "stream":
		v.rename("stream", "name")
	}
}

// mimeBundle moves the data of an output into its data field, by MIME type.
func (v *v3) mimeBundle() {
	data := Object{}
	for name, raw := range v.left {
		switch name {
		case "output_type", "execution_count", "metadata":
		default:
			data[name] = raw
			delete(v.left, name)
		}
	}
	toMIME(data)
	if raw, ok := data["application/json"]; ok {
		text, ok := joinLines(raw, "\n")
		if !ok || !json.Valid([]byte(text)) {
			v.fail("json", "must be a string that holds JSON")
			return
		}
		data["application/json"] = json.RawMessage(text)
	}
	v.left["data"] = rawObject(data)
	if raw, ok := v.left["metadata"]; ok && kind(raw) == '{' {
		metadata := objectOf(raw)
		toMIME(metadata)
		v.left["metadata"] = rawObject(metadata)
	}
}

// toMIME replaces the short names of nbformat 3 by MIME types.
func toMIME(o Object) {
	for short, mime := range map[string]string{
		"text": "text/plain", "html": "text/html", "svg": "image/svg+xml", "png": "image/png",
		"jpeg": "image/jpeg", "latex": "text/latex", "json": "application/json", "javascript": "application/javascript",
	} {
		if raw, ok := o[short]; ok {
			delete(o, short)
			o[mime] = raw
		}
	}
}

func (v *v3) rename(from, to string) {
	if raw, ok := v.take(from); ok {
		v.left[to] = raw
	}
}

// joinLines joins a list of lines. Those of nbformat 2 have no line ends, those
// of 3 may have them or not.
func (v *v3) joinLines(name string) {
	raw, ok := v.left[name]
	if !ok || kind(raw) != '[' {
		return
	}
	sep := "\n"
	for _, first := range elements(raw) {
		if kind(first) == '"' && v.major == 3 {
			if line := unquote(first); strings.HasSuffix(line, "\n") || strings.HasSuffix(line, "\r") {
				sep = ""
			}
		}
		break
	}
	text, ok := joinLines(raw, sep)
	if !ok {
		v.fail(name, "must be a string or a list of strings")
		return
	}
	v.left[name] = appendQuoted(nil, text)
}

func rawObject(o Object) json.RawMessage {
	e := encoder{}
	e.object(o)
	return e.buf
}

package runner

import (
	"bytes"
	"encoding/json"

	"quire"
	"quire/internal/rawjson"
	"quire/jupyter"
	"quire/nbformat"
)

// large is the size in bytes from which on a display becomes its event in the
// memory in which it has come.
const large = 1 << 20

// displayLarge is display for a large message that needs no care: no text in
// parts, nothing of it shown before, no widget to take it. It reports false for
// any other, which is as it was.
func (t *translator) displayLarge(cell int32, msg *jupyter.Message) (events []quire.Event, ok bool) {
	form, ok := rawjson.Scan(msg.Content)
	if !ok || form.Surrogates {
		return nil, false
	}
	parts := rawjson.Members(msg.Content)
	var c displayContent
	for name, v := range map[string]any{"metadata": &c.Metadata, "execution_count": &c.Count, "transient": &c.Transient} {
		if at, ok := parts[name]; ok && !decode(at.Of(msg.Content), v) {
			return nil, false
		}
	}
	at, id := parts["data"], c.Transient.DisplayID
	if !isPlain(at.Of(msg.Content)) || id != "" && t.displays[id] {
		return nil, false
	}
	out := nbformat.Output{Type: nbformat.DisplayData, Metadata: object(c.Metadata)}
	if msg.Header.MsgType == "execute_result" {
		out.Type, out.ExecutionCount = nbformat.ExecuteResult, c.Count
	}
	raw := around(out, msg.Content, at)
	fits, mark := t.budget.take(cell, len(raw))
	if !fits {
		return withMark(nil, mark), true
	}
	if id != "" {
		t.displays[id] = true
	}
	return []quire.Event{{Output: &quire.Output{Cell: cell, DisplayID: id, Output: raw}}}, true
}

// isPlain reports whether data is as nbformat has it: texts in one piece.
func isPlain(data []byte) bool {
	bundle := rawjson.Members(data)
	for mime, at := range bundle {
		if !isJSONMIME(mime) && data[at.Start] != '"' {
			return false
		}
	}
	return bundle != nil
}

// around returns the JSON of an output whose data is already in content, and
// stays there: what the output has besides is written around it.
func around(out nbformat.Output, content json.RawMessage, at rawjson.Span) json.RawMessage {
	const before, none = `{"data":`, `{}` // content has as much in front of its data, at least
	after, ok := bytes.CutPrefix(encode(out), []byte(before+none))
	if !ok {
		return nil // out is no display
	}
	raw := content[at.Start-len(before):]
	copy(raw, before)
	data := rawjson.Compact(raw[len(before) : len(before)+at.End-at.Start])
	return append(raw[:len(before)+len(data)], after...)
}

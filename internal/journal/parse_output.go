package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"quire/nbformat"
)

// jsonType matches the MIME types whose data may be any JSON.
var jsonType = regexp.MustCompile(`\Aapplication/(.*\+)?json\z`)

// maxDepth bounds how deep JSON from a kernel may be nested. nbformat's own
// bound is for a whole field; a widget's outputs stand deep in one.
const maxDepth = 100

// parseObject reads a JSON object from a kernel.
func parseObject(raw json.RawMessage) (nbformat.Object, error) {
	// Into a map, because a struct would take DATA for data.
	var o nbformat.Object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("it is null")
	}
	if depth(raw) > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	return o, nil
}

// depth returns how deep valid JSON is nested.
func depth(raw []byte) int {
	now, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// parseOutput makes an output of what a kernel sent: valid nbformat whatever
// that was. It drops fields that nbformat does not know.
func parseOutput(raw json.RawMessage) (nbformat.Output, error) {
	fields, err := parseObject(raw)
	if err != nil {
		return nbformat.Output{}, fmt.Errorf("output: %w", err)
	}
	out := nbformat.Output{Type: nbformat.OutputType(stringOf(fields["output_type"]))}
	switch out.Type {
	case nbformat.StreamOutput:
		out.Name, out.Text = stringOf(fields["name"]), textOf(fields["text"])
	case nbformat.ExecuteResult, nbformat.DisplayData:
		out.Data = mimeBundle(objectOf(fields["data"]))
		out.Metadata = objectOf(fields["metadata"])
		if out.Type == nbformat.ExecuteResult {
			var count int32
			if json.Unmarshal(fields["execution_count"], &count) == nil {
				out.ExecutionCount = countOf(int64(count), 0)
			}
		}
	case nbformat.ErrorOutput:
		out.ErrorName, out.ErrorValue = stringOf(fields["ename"]), stringOf(fields["evalue"])
		out.Traceback = linesOf(fields["traceback"])
	default:
		return nbformat.Output{}, fmt.Errorf("output of unknown type %.64q", out.Type)
	}
	return out, nil
}

// mimeBundle makes texts, in place, of the values that nbformat wants as such.
func mimeBundle(data nbformat.Object) nbformat.Object {
	for mime, value := range data {
		if jsonType.MatchString(mime) || isText(value) {
			continue
		}
		if data.Set(mime, string(value)) != nil {
			delete(data, mime)
		}
	}
	return data
}

// isText reports whether a JSON value is a string or a list of strings.
func isText(value json.RawMessage) bool {
	if len(value) > 0 && value[0] == '"' {
		return true
	}
	var lines []any
	if len(value) == 0 || value[0] != '[' || json.Unmarshal(value, &lines) != nil {
		return false
	}
	for _, line := range lines {
		if _, ok := line.(string); !ok {
			return false
		}
	}
	return true
}

// objectOf returns a JSON object, empty for anything else.
func objectOf(raw json.RawMessage) nbformat.Object {
	var o nbformat.Object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return nbformat.Object{}
	}
	return o
}

// stringOf returns a JSON string, empty for anything else.
func stringOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// linesOf returns the strings in a JSON list, never nil.
func linesOf(raw json.RawMessage) []string {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	lines := make([]string, 0, len(list))
	for _, line := range list {
		lines = append(lines, stringOf(line))
	}
	return lines
}

// textOf returns a JSON string or the joined strings of a JSON list.
func textOf(raw json.RawMessage) string {
	if len(raw) > 0 && raw[0] == '[' {
		var text []byte
		for _, line := range linesOf(raw) {
			text = append(text, line...)
		}
		return string(text)
	}
	return stringOf(raw)
}

package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"quire/nbformat"
)

// maxDepth bounds how deep JSON from a kernel may be nested. nbformat's own
// bound is for a whole field; a widget's outputs stand deep in one.
const maxDepth = 100

var errTooDeep = fmt.Errorf("it is nested deeper than %d levels", maxDepth)

// parseOutput reads an output as a kernel sent it. Fields that nbformat does
// not know are dropped: it allows none. Nobody may change raw afterwards.
func parseOutput(raw json.RawMessage) (nbformat.Output, error) {
	out, err := nbformat.ReadOutput(raw)
	if err != nil {
		return nbformat.Output{}, err
	}
	switch out.Type {
	case nbformat.StreamOutput, nbformat.DisplayData, nbformat.ExecuteResult, nbformat.ErrorOutput:
	default:
		return nbformat.Output{}, fmt.Errorf("output of unknown type %.64q", out.Type)
	}
	if tooDeep(raw) {
		return nbformat.Output{}, fmt.Errorf("output: %w", errTooDeep)
	}
	out.Extra = nil
	return out, nil
}

// parseDisplay reads data and metadata as of a display_data; no metadata is
// empty metadata.
func parseDisplay(data, metadata json.RawMessage) (nbformat.Output, error) {
	raw, err := json.Marshal(struct {
		Type     nbformat.OutputType `json:"output_type"`
		Data     json.RawMessage     `json:"data"`
		Metadata json.RawMessage     `json:"metadata,omitempty"`
	}{nbformat.DisplayData, data, metadata})
	if err != nil {
		return nbformat.Output{}, err
	}
	return parseOutput(raw)
}

// parseObject reads a JSON object from a kernel.
func parseObject(raw json.RawMessage) (nbformat.Object, error) {
	var o nbformat.Object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("it is null")
	}
	if tooDeep(raw) {
		return nil, errTooDeep
	}
	return o, nil
}

// tooDeep reports whether valid JSON is nested deeper than maxDepth.
func tooDeep(raw []byte) bool {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i+1)
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// stringEnd returns where the JSON string ends whose text begins at i.
func stringEnd(raw []byte, i int) int {
	for {
		n := bytes.IndexByte(raw[i:], '"')
		if n < 0 {
			return len(raw)
		}
		i += n
		escapes := 0
		for raw[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
		i++
	}
}

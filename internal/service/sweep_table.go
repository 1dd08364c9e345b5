package service

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"quire"
)

// SweptNames returns the variables that a sweep has values for, sorted.
func SweptNames(w quire.Sweep) []string { return slices.Sorted(maps.Keys(w.Values)) }

// WriteCSV returns the table of a sweep's executions: inputs against output
// variables. What is no text is its JSON; what is missing is empty.
func WriteCSV(w quire.Sweep, list []quire.Execution) ([]byte, error) {
	names := SweptNames(w)
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	header := append(append([]string{"execution_id", "state"}, names...), w.Work.OutputNames...)
	if err := out.Write(header); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	for _, e := range list {
		row := []string{string(e.ID), string(e.State)}
		for _, name := range names {
			text, err := quire.EnvValue(e.Inputs[name])
			if err != nil {
				return nil, fmt.Errorf("write table: %w", err)
			}
			_, isText := e.Inputs[name].(string)
			row = append(row, cell(text, isText))
		}
		for _, name := range w.Work.OutputNames {
			row = append(row, outputCell(e, name))
		}
		if err := out.Write(row); err != nil {
			return nil, fmt.Errorf("write table: %w", err)
		}
	}
	out.Flush()
	return b.Bytes(), out.Error()
}

func outputCell(e quire.Execution, name string) string {
	i := slices.IndexFunc(e.Outputs, func(v quire.Variable) bool { return v.Name == name })
	if i < 0 || e.Outputs[i].Value == nil {
		return ""
	}
	raw := e.Outputs[i].Value
	if len(raw) > quire.MaxCellBytes {
		return "(too large)"
	}
	var text string
	if err := json.Unmarshal(raw, &text); err == nil && raw[0] == '"' {
		return cell(text, true)
	}
	return cell(string(raw), false)
}

// cell puts an apostrophe before text that a spreadsheet would take for a
// formula. A number may begin with its sign.
func cell(s string, isText bool) string {
	if isText && s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

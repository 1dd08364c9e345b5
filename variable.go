package quire

import "encoding/json"

// VariableType names the type of an output variable's value in the API.
type VariableType string

// The types. A value is JSON: see docs/output-variables.md for each one's form.
const (
	NullVariable      VariableType = "null"
	BoolVariable      VariableType = "bool"
	IntVariable       VariableType = "int"   // a JSON number; a JSON string of digits beyond ±2^53
	FloatVariable     VariableType = "float" // a JSON number; "NaN", "Infinity" or "-Infinity"
	StringVariable    VariableType = "string"
	ListVariable      VariableType = "list"
	DictVariable      VariableType = "dict"
	ArrayVariable     VariableType = "array"     // numpy: nested lists
	DataFrameVariable VariableType = "dataframe" // a list of records
	ObjectVariable    VariableType = "object"    // {"type": …, "repr": …}
	MissingVariable   VariableType = "missing"   // the kernel has no such name; no value
)

// Known reports whether t is one of the types.
func (t VariableType) Known() bool {
	switch t {
	case NullVariable, BoolVariable, IntVariable, FloatVariable, StringVariable, ListVariable, DictVariable,
		ArrayVariable, DataFrameVariable, ObjectVariable, MissingVariable:
		return true
	}
	return false
}

// Variable is an output variable as read from the kernel after the last cell.
type Variable struct {
	Name      string          `json:"name"`
	Type      VariableType    `json:"type"`
	Value     json.RawMessage `json:"value,omitempty"`
	Truncated bool            `json:"truncated,omitempty"` // rows or bytes were left out; Value holds what fits
}

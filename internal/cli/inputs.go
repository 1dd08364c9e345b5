package cli

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"quire"
)

// inputsHelp says how -v reads a value.
const inputsHelp = "A value of -v that is JSON has its type: 3, 2.5, true, null, [1, 2], {\"a\": 1}. Anything\n" +
	"else is a string, as is whatever stands in double quotes: -v 'version=\"3.10\"'."

// variables are the flags -v and --output-variable.
type variables struct {
	given   []string // name=value
	outputs []string
}

func (v *variables) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&v.given, "variable", "v", nil, "input variable, `name=value`; may be repeated")
	cmd.Flags().StringArrayVar(&v.outputs, "output-variable", nil, "`name` of a variable to read after the last cell; may be repeated")
}

// inputs returns the input variables, each with its type, after both flags
// were checked.
func (v *variables) inputs() (map[string]any, error) {
	inputs := make(map[string]any, len(v.given))
	for _, given := range v.given {
		name, value, ok := strings.Cut(given, "=")
		if !ok {
			return nil, misuse("-v %q must be name=value", given)
		}
		if _, twice := inputs[name]; twice {
			return nil, misuse("-v %s is given twice", name)
		}
		inputs[name] = typed(value)
	}
	if err := quire.CheckInputs("", inputs); err != nil {
		return nil, misuse("-v %v", err)
	}
	if err := quire.CheckOutputNames("", v.outputs); err != nil {
		return nil, misuse("--output-variable %v", err)
	}
	return inputs, nil
}

// typed returns the JSON value that s is, with the digits that its numbers
// have, or else s itself.
func typed(s string) any {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return s
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return s
	}
	return v
}

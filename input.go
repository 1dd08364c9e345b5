package quire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The bounds of input variables. Linux takes at most 128 KiB in one string of
// a process's environment, and about 2 MiB in all of it with the arguments.
const (
	MaxInputs      = 1000
	MaxInputBytes  = 128<<10 - 1 // of NAME=value
	MaxInputsBytes = 1 << 20     // of all of them together
)

var inputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// CheckInputs returns an InvalidArgument error for field if inputs cannot
// become a kernel's environment.
func CheckInputs(field string, inputs map[string]any) error {
	if len(inputs) > MaxInputs {
		return Invalid(field, "%d variables are too many; at most %d are taken", len(inputs), MaxInputs)
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if !inputName.MatchString(name) {
			return Invalid(field, "%.100q is no name for a variable; one is made of letters, digits and _, and starts with no digit", name)
		}
		value, err := EnvValue(inputs[name])
		if err != nil {
			return Invalid(field, "%.100s: %v", name, err)
		}
		if strings.ContainsRune(value, 0) {
			return Invalid(field, "%.100s holds a NUL character, which no environment variable can", name)
		}
		size := len(name) + len("=") + len(value)
		if size > MaxInputBytes {
			return Invalid(field, "%.100s takes %d bytes; a variable may take %d: put larger data into a file of the project", name, size, MaxInputBytes)
		}
		total += size
	}
	if total > MaxInputsBytes {
		return Invalid(field, "the variables take %d bytes; together they may take %d: put larger data into a file of the project", total, MaxInputsBytes)
	}
	return nil
}

// EnvValue returns the form that an input, which is a JSON value, takes as an
// environment variable: a string as it is, a number in its shortest decimal
// form, true or false, nothing for null, and compact JSON for a list or an
// object, whose keys are then sorted.
func EnvValue(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	v, err := shorten(v)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a notebook compares the text that it was sent
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("encode value: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// shorten returns the JSON value v with every number in its shortest form.
func shorten(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, float64:
		return v, nil
	case json.Number:
		return shortNumber(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			short, err := shorten(item)
			if err != nil {
				return nil, err
			}
			list[i] = short
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			short, err := shorten(item)
			if err != nil {
				return nil, err
			}
			object[key] = short
		}
		return object, nil
	}
	return nil, fmt.Errorf("%T is no JSON value", v)
}

// shortNumber keeps an integer digit by digit, however long it is: a float64
// would lose those beyond the 16th.
func shortNumber(n json.Number) (any, error) {
	if !strings.ContainsAny(string(n), ".eE") {
		return n, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("%.40q is no number that can be represented", string(n))
	}
	return f, nil
}

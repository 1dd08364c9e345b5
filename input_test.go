package quire_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"quire"
)

func TestEnvValue(t *testing.T) {
	tests := map[string]struct {
		value any
		want  string
	}{
		"string":              {"as it is: \"\n\t<&>ж", "as it is: \"\n\t<&>ж"},
		"empty string":        {"", ""},
		"null":                {nil, ""},
		"true":                {true, "true"},
		"false":               {false, "false"},
		"whole float":         {3.0, "3"},
		"whole number":        {json.Number("3.0"), "3"},
		"number":              {json.Number("3"), "3"},
		"negative":            {json.Number("-2.50"), "-2.5"},
		"tenth":               {0.1, "0.1"},
		"long integer":        {json.Number("123456789012345678901234567890"), "123456789012345678901234567890"},
		"large float":         {1e20, "100000000000000000000"},
		"very large float":    {1e21, "1e+21"},
		"small float":         {1e-7, "1e-7"},
		"number as a float":   {json.Number("1E2"), "100"},
		"list":                {[]any{json.Number("1.0"), "a<b", nil, true}, `[1,"a<b",null,true]`},
		"empty list":          {[]any{}, "[]"},
		"object":              {map[string]any{"b": json.Number("2.0"), "a": []any{1.0}}, `{"a":[1],"b":2}`},
		"empty object":        {map[string]any{}, "{}"},
		"object in an object": {map[string]any{"a": map[string]any{"b": nil}}, `{"a":{"b":null}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := quire.EnvValue(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEnvValueRefuses(t *testing.T) {
	for name, value := range map[string]any{
		"not a number":     math.NaN(),
		"infinity":         math.Inf(1),
		"too large":        json.Number("1e999"),
		"text as a number": json.Number("1.x"),
		"not JSON":         struct{}{},
		"deep":             []any{map[string]any{"a": math.Inf(-1)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := quire.EnvValue(value); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}

func TestCheckInputs(t *testing.T) {
	many := map[string]any{}
	for i := range quire.MaxInputs + 1 {
		many["a"+strings.Repeat("b", i)] = nil
	}
	large := map[string]any{}
	for i := range 9 {
		large["a"+strings.Repeat("b", i)] = strings.Repeat("x", 120<<10)
	}
	tests := map[string]struct {
		inputs map[string]any
		want   string // part of the message; empty: accepted
	}{
		"none":            {nil, ""},
		"all letters":     {map[string]any{"_aZ09": "x", "A": 1.0}, ""},
		"empty value":     {map[string]any{"a": ""}, ""},
		"just fits":       {map[string]any{"a": strings.Repeat("x", quire.MaxInputBytes-2)}, ""},
		"empty name":      {map[string]any{"": "x"}, `"" is no name`},
		"digit first":     {map[string]any{"1a": "x"}, `"1a" is no name`},
		"equals sign":     {map[string]any{"a=b": "x"}, `"a=b" is no name`},
		"line end":        {map[string]any{"a\n": "x"}, `"a\n" is no name`},
		"other script":    {map[string]any{"имя": "x"}, "is no name"},
		"NUL":             {map[string]any{"a": "x\x00y"}, "NUL"},
		"no number":       {map[string]any{"a": math.NaN()}, "a: "},
		"one too large":   {map[string]any{"a": strings.Repeat("x", quire.MaxInputBytes-1)}, "131072 bytes"},
		"all too large":   {large, "together"},
		"too many":        {many, "too many"},
		"NUL in a string": {map[string]any{"a": []any{"\x00"}}, ""}, // JSON escapes it
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			checkInvalid(t, quire.CheckInputs("input_variables", tt.inputs), "input_variables", tt.want)
		})
	}
}

func TestCheckOutputNames(t *testing.T) {
	tests := map[string]struct {
		names []string
		want  string
	}{
		"none":         {nil, ""},
		"usual":        {[]string{"total", "_x1", "data.frame", ".hidden", "сумма"}, ""},
		"empty":        {[]string{""}, `"" is no name`},
		"digit first":  {[]string{"a", "1a"}, `"1a" is no name`},
		"code":         {[]string{"a; b"}, "is no name"},
		"call":         {[]string{"f()"}, "is no name"},
		"twice":        {[]string{"a", "b", "a"}, `"a" is named twice`},
		"long":         {[]string{strings.Repeat("a", 201)}, "is no name"},
		"just so long": {[]string{strings.Repeat("a", 200)}, ""},
		"too many":     {make([]string, quire.MaxOutputNames+1), "too many"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			checkInvalid(t, quire.CheckOutputNames("output_variable_names", tt.names), "output_variable_names", tt.want)
		})
	}
}

// checkInvalid fails unless err is nil, where want is empty, or an
// InvalidArgument error for field whose message contains want.
func checkInvalid(t *testing.T, err error, field, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("got no error, want one with %q", want)
	}
	if got := quire.CodeOf(err); got != quire.InvalidArgument {
		t.Errorf("got code %v, want InvalidArgument", got)
	}
	if got := err.Error(); !strings.HasPrefix(got, field+": ") || !strings.Contains(got, want) {
		t.Errorf("got %q, want %s: … %q …", got, field, want)
	}
}

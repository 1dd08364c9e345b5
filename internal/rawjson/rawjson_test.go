package rawjson_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"quire/internal/rawjson"
)

var texts = []string{
	``, ` `, `x`, `{}`, `[]`, ` { } `, `{"a":1}`, `{"a" : [ 1 , -0.5e+7 , true,false , null ] , "b":{"c":"d"}}`,
	`{"a":1,}`, `[1,]`, `[,]`, `{,}`, `{"a"}`, `{"a":}`, `{1:2}`, `[1 2]`, `]`, `{]`, `[}`, `{} {}`,
	`0`, `-0`, `00`, `01`, `-`, `.5`, `5.`, `5.0`, `1e`, `1e+`, `1E-05`, `+1`, `nul`, `nulll`, `true1`, `tru`,
	`""`, `"`, `"\`, `"\"`, `"\\"`, `"\\\""`, `"\/\b\f\n\r\t"`, `"\v"`, `"\u00e9"`, `"\u00E9"`, `"\u00e"`, `"\u00eg"`, `"\ud83d\ude00"`, `"\uDBFF"`,
	"\"a\tb\"", "\"a\x00b\"", "\"1234567\x1f\"", "\"\x7f\u2028é\"", "\"\xff\"", "\"12345678\xc3\"", "\x00", "[1]\x00",
	`"1234567\"90123456\\"`, `"12345678`, `{"1234567":"12345678","a\"b\\":[[[]]],"a\"b\\":2}`,
	strings.Repeat("[", 50) + strings.Repeat("]", 50), strings.Repeat("[", 50),
	strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
	`["a","` + strings.Repeat("b", 100) + `\u2028"]`,
}

// check holds what the package says of data against what encoding/json says.
func check(t *testing.T, data []byte) {
	t.Helper()
	form, got := rawjson.Scan(data)
	if want := json.Valid(data) && utf8.Valid(data); got != want {
		t.Fatalf("%q: got valid %v, want %v", data, got, want)
	}
	if !got {
		return
	}
	var want bytes.Buffer
	if err := json.Compact(&want, data); err != nil {
		t.Fatal(err)
	}
	if form.Spaced != (want.Len() < len(data)) {
		t.Errorf("%q: got spaced %v", data, form.Spaced)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) == nil && members != nil {
		found := map[string]json.RawMessage{}
		for name, span := range rawjson.Members(data) {
			found[name] = span.Of(data)
		}
		if diff := cmp.Diff(members, found); diff != "" {
			t.Errorf("%q: members (-want +got):\n%s", data, diff)
		}
	} else if found := rawjson.Members(data); found != nil && members != nil {
		t.Errorf("%q: got the members %v", data, found)
	}
	if got := rawjson.Compact(bytes.Clone(data)); !bytes.Equal(got, want.Bytes()) {
		t.Errorf("got %q compact, want %q", got, want.Bytes())
	}
}

func TestScan(t *testing.T) {
	for _, text := range texts {
		check(t, []byte(text))
	}
}

func TestSurrogates(t *testing.T) {
	for text, want := range map[string]bool{
		`"\ud83d\ude00"`: true, `"\uDBFF"`: true, `"\udfff"`: true, `"\ud7ff"`: false, `"\ue000"`: false, `"ud83d"`: false, `"\\ud83d"`: false,
	} {
		if form, _ := rawjson.Scan([]byte(text)); form.Surrogates != want {
			t.Errorf("%s: got surrogates %v, want %v", text, form.Surrogates, want)
		}
	}
}

// TestEveryPlace puts what ends a string's plain run at each place of two words.
func TestEveryPlace(t *testing.T) {
	for _, c := range []string{`"`, `\`, `\"`, `\\`, "\x1f", "\x00", "é", "\xff", "\x7f", " "} {
		for n := range 17 {
			check(t, []byte(`"`+strings.Repeat("!", n)+c+strings.Repeat("]", 17-n)+`"`))
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { check(t, data) })
}

func BenchmarkScan(b *testing.B) {
	data := []byte(`{"image/png":"` + strings.Repeat("A", 50_000_000) + `"}`)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		rawjson.Valid(data)
	}
}

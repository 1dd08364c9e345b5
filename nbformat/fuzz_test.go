package nbformat_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quire"
	"quire/nbformat"
)

// FuzzParse checks that whatever parses is valid, is written, and reads the
// same again, and that whatever does not is the client's fault.
func FuzzParse(f *testing.F) {
	for _, name := range fixtures(f) {
		f.Add(readFile(f, name))
	}
	f.Add([]byte(cells(5, `{"cell_type":"code","source":["\ud83d\ude00\ud800\u2028"," \\\"\/\b"],"x":{"b":1,"a":{},"b":[1e9,-0.5]}}`)))
	f.Add([]byte(`{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"code","outputs":[{"output_type":"pyout","json":"[1]","metadata":[]}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := slices.Clone(data)
		nb, err := nbformat.Parse(data)
		if !bytes.Equal(data, before) {
			t.Fatal("Parse changed its input")
		}
		if err != nil {
			if quire.CodeOf(err) != quire.InvalidArgument {
				t.Fatalf("code %v of %v", quire.CodeOf(err), err)
			}
			return
		}
		if err := nb.Validate(); err != nil {
			t.Fatalf("Validate: %v", err)
		}
		out := write(t, nb)
		again := parse(t, out)
		if diff := cmp.Diff(nb, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("read again (-first +second):\n%s\nof %s", diff, out)
		}
		if second := write(t, again); !bytes.Equal(out, second) {
			t.Fatalf("written again: %s\nfirst: %s", second, out)
		}
	})
}

// FuzzOutput checks the same of a single output.
func FuzzOutput(f *testing.F) {
	f.Add([]byte(`{"output_type":"stream","text":["a\n","b"],"x":{"b":1,"a":[]}}`))
	f.Add([]byte(`{"output_type":"execute_result","data":{"text/html":["<",">"],"application/json":[1e5]},"execution_count":3}`))
	f.Add([]byte(`{"output_type":"error","ename":"E","evalue":"\ud83d\ude00","traceback":["x"]}`))
	f.Add([]byte(`{"output_type":"hologram","data":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second nbformat.Output
		if first.UnmarshalJSON(data) != nil {
			return
		}
		out, err := first.MarshalJSON()
		if err != nil {
			t.Fatalf("MarshalJSON: %v", err)
		}
		if err := second.UnmarshalJSON(out); err != nil {
			t.Fatalf("UnmarshalJSON: %v\nof %s", err, out)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("read again (-first +second):\n%s\nof %s", diff, out)
		}
	})
}

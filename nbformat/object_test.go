package nbformat_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/nbformat"
)

func TestObjectSet(t *testing.T) {
	var o nbformat.Object
	if err := o.Set("a", map[string]any{"z": "<é>", "b": []int{1}}); err != nil {
		t.Fatal(err)
	}
	if got, want := string(o["a"]), `{"b":[1],"z":"<é>"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := o.Set("a", math.NaN()); err == nil {
		t.Error("NaN was set")
	}
	if err := o.Set("n", json.RawMessage("nope")); err == nil {
		t.Error("what is no JSON was set")
	}
	if got, want := len(o), 1; got != want {
		t.Errorf("got %d keys after the errors, want %d", got, want)
	}
}

func TestGet(t *testing.T) {
	o := nbformat.Object{
		"text": json.RawMessage(`"x"`), "yes": json.RawMessage(` true`), "null": json.RawMessage(`null`),
		"list": json.RawMessage(`["a",1]`), "broken": json.RawMessage(`{`),
	}
	if got, ok := nbformat.Get[string](o, "text"); got != "x" || !ok {
		t.Errorf("text: got %q, %t", got, ok)
	}
	if got, ok := nbformat.Get[bool](o, "yes"); !got || !ok {
		t.Errorf("yes: got %t, %t", got, ok)
	}
	for _, key := range []string{"null", "none", "broken", "text"} {
		if got, ok := nbformat.Get[bool](o, key); got || ok {
			t.Errorf("%s as bool: got %t, %t", key, got, ok)
		}
	}
	if got, ok := nbformat.Get[[]string](o, "list"); got != nil || ok {
		t.Errorf("list: got %q, %t, want nothing of a list that is no []string", got, ok)
	}
	if _, ok := nbformat.Get[string](nil, "text"); ok {
		t.Error("a nil object has a value")
	}
}

func TestAccessors(t *testing.T) {
	nb := parse(t, readFile(t, "testdata/v4.5.ipynb"))
	if got, want := nb.KernelName(), "python3"; got != want {
		t.Errorf("kernel: got %q, want %q", got, want)
	}
	if got, want := nb.Language(), "python"; got != want {
		t.Errorf("language: got %q, want %q", got, want)
	}
	if !nb.AllowErrors() {
		t.Error("allow_errors: got false, want true")
	}
	if got, want := nb.CodeCells(), 1; got != want {
		t.Errorf("code cells: got %d, want %d", got, want)
	}
	if i, ok := nb.CellByID("raw-1"); i != 1 || !ok {
		t.Errorf("cell raw-1: got %d, %t", i, ok)
	}
	if _, ok := nb.CellByID("none"); ok {
		t.Error("cell none: got one")
	}
	if diff := cmp.Diff([]string{"parameters", "Слово"}, nb.Cells[2].Tags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if !nb.Cells[2].HasTag("parameters") || nb.Cells[1].HasTag("parameters") {
		t.Error("HasTag is wrong")
	}
}

func TestAccessorsOfHostileMetadata(t *testing.T) {
	for _, metadata := range []string{`{}`, `{"kernelspec":null,"language_info":1}`, `{"kernelspec":{"name":[],"language":{}},"allow_errors":"yes"}`, `{"kernelspec":"python3"}`} {
		nb := parse(t, []byte(`{"nbformat":4,"metadata":`+metadata+`,"cells":[{"cell_type":"raw","source":"","metadata":{"tags":"x"}}]}`))
		if nb.KernelName() != "" || nb.Language() != "" || nb.AllowErrors() || nb.Cells[0].Tags() != nil {
			t.Errorf("%s: got %q, %q, %t, %q", metadata, nb.KernelName(), nb.Language(), nb.AllowErrors(), nb.Cells[0].Tags())
		}
	}
	nb := parse(t, []byte(`{"nbformat":4,"metadata":{"kernelspec":{"name":"ir"},"language_info":{"name":"R"}},"cells":[]}`))
	if got, want := nb.Language(), "R"; got != want {
		t.Errorf("language from language_info: got %q, want %q", got, want)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	for _, name := range fixtures(t) {
		nb := parse(t, readFile(t, name))
		want := write(t, nb)
		c := nb.Clone()
		if diff := cmp.Diff(nb, c); diff != "" {
			t.Fatalf("%s: the clone differs:\n%s", name, diff)
		}
		one := json.RawMessage(`1`)
		if c.Extra != nil {
			c.Extra["x"] = one
		}
		c.Metadata["x"] = one
		for _, cell := range c.Cells {
			cell.Source = "x"
			cell.Metadata["x"] = one
			if cell.Extra != nil {
				cell.Extra["x"] = one
			}
			for i := range cell.Outputs {
				o := &cell.Outputs[i]
				o.Text = "x"
				for _, m := range []nbformat.Object{o.Data, o.Metadata, o.Extra} {
					if m != nil {
						m["x"] = one
					}
				}
				for i := range o.Traceback {
					o.Traceback[i] = "x"
				}
			}
			cell.Outputs = append(cell.Outputs[:0], nbformat.Output{Type: nbformat.StreamOutput})
		}
		c.Cells = c.Cells[:0]
		if diff := cmp.Diff(string(want), string(write(t, nb))); diff != "" {
			t.Errorf("%s: the original changed with its clone:\n%s", name, diff)
		}
	}
}

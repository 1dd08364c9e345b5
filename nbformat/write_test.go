package nbformat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quire"
	"quire/nbformat"
)

func TestRoundTrip(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			first := parse(t, readFile(t, name))
			out := write(t, first)
			second := parse(t, out)
			if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("read again (-first +second):\n%s", diff)
			}
			if diff := cmp.Diff(string(out), string(write(t, second))); diff != "" {
				t.Errorf("written again (-first +second):\n%s", diff)
			}
		})
	}
}

// TestWriteKeepsUnknownFields compares the JSON itself: nothing that was in the
// file may be missing or changed.
func TestWriteKeepsUnknownFields(t *testing.T) {
	for _, name := range []string{"testdata/unknown-fields.ipynb", "testdata/v4.7-newer.ipynb"} {
		data := readFile(t, name)
		var want, got any
		if err := errors.Join(json.Unmarshal(data, &want), json.Unmarshal(write(t, parse(t, data)), &got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-read +written):\n%s", name, diff)
		}
	}
}

func TestWriteKeepsNumbers(t *testing.T) {
	const numbers = `[1.0,-0,1e400,12345678901234567890123456789,0.1000]`
	nb := parse(t, []byte(`{"nbformat":4,"nbformat_minor":4,"metadata":{"n":`+numbers+`},"cells":[]}`))
	out := string(write(t, nb))
	if got := strings.Join(strings.Fields(out), ""); !strings.Contains(got, numbers) {
		t.Errorf("got %s, want %s in it", got, numbers)
	}
}

func TestWriteMakesValuesFromElsewhereFit(t *testing.T) {
	nb := &nbformat.Notebook{Major: 4, Minor: 4, Cells: []*nbformat.Cell{{Type: nbformat.Code, Source: "bad \xff", Outputs: []nbformat.Output{
		{Type: nbformat.DisplayData, Data: nbformat.Object{
			"application/json": json.RawMessage(" { \"b\" : 1 , \"a\" : [ ] , \"b\" : 2 } "),
			"text/html":        json.RawMessage(" \"\\u003cb\\u003e\\n\\ud800\" "),
			"text/plain":       json.RawMessage("[\"a\\n\", \"b \xff\"]"),
		}},
	}}}}
	got := string(write(t, nb))
	want := `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": null,
   "metadata": {},
   "outputs": [
    {
     "data": {
      "application/json": {
       "a": [],
       "b": 2
      },
      "text/html": [
       "<b>\n",
       "` + "\uFFFD" + `"
      ],
      "text/plain": [
       "a\n",
       "b ` + "\uFFFD" + `"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": [
    "bad ` + "\uFFFD" + `"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 4
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWriteTakesOddAttachmentsAsTheyAre(t *testing.T) {
	for _, attachments := range []string{`[1]`, `{"a.txt":1}`, `{"a.txt":{"text/plain":["x"]},"b":null}`} {
		nb := &nbformat.Notebook{Major: 4, Minor: 4, Cells: []*nbformat.Cell{
			{Type: nbformat.Raw, Extra: nbformat.Object{"attachments": json.RawMessage(attachments)}},
		}}
		out := strings.Join(strings.Fields(string(write(t, nb))), "")
		if want := `"attachments":` + attachments; !strings.Contains(out, want) {
			t.Errorf("got %s, want %s in it", out, want)
		}
	}
}

func TestValidate(t *testing.T) {
	deep := json.RawMessage(strings.Repeat("[", 201) + strings.Repeat("]", 201))
	raw := func(s string) nbformat.Object { return nbformat.Object{"secret": json.RawMessage(s)} }
	code := func(o nbformat.Output) *nbformat.Cell {
		return &nbformat.Cell{Type: nbformat.Code, ID: "a", Outputs: []nbformat.Output{o}}
	}
	display := func(mime, value string) *nbformat.Cell {
		return code(nbformat.Output{Type: nbformat.DisplayData, Data: nbformat.Object{mime: json.RawMessage(value)}})
	}
	cell := func(id string) *nbformat.Cell { return &nbformat.Cell{Type: nbformat.Raw, ID: id} }
	for _, tt := range []struct {
		name string
		nb   nbformat.Notebook
		want string
	}{
		{"zero", nbformat.Notebook{}, "nbformat must be 4, and nbformat_minor a whole number from 0"},
		{"nil cell", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{nil}}, "cells[0] must be a cell"},
		{"no cell type", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{}}}, "cells[0].cell_type must be code, markdown or raw"},
		{"no cell type in a newer minor", nbformat.Notebook{Major: 4, Minor: 6, Cells: []*nbformat.Cell{{ID: "a"}}}, "cells[0].cell_type must not be empty"},
		{"no id", nbformat.Notebook{Major: 4, Minor: 5, Cells: []*nbformat.Cell{cell("")}}, "cells[0].id must be 1 to 64 letters, digits, - and _"},
		{"id twice", nbformat.Notebook{Major: 4, Minor: 5, Cells: []*nbformat.Cell{cell("a"), cell("a")}}, "cells[1].id must differ from that of cells[0]"},
		{"outputs of text", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{Type: nbformat.Raw, Outputs: []nbformat.Output{{Type: nbformat.StreamOutput}}}}}, "cells[0].outputs must be empty: the cell is no code cell"},
		{"negative count", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{Type: nbformat.Code, ExecutionCount: -1}}}, "cells[0].execution_count must be null or a whole number from 0"},
		{"broken metadata", nbformat.Notebook{Major: 4, Metadata: raw("{")}, "metadata: a value is not JSON"},
		{"no metadata", nbformat.Notebook{Major: 4, Metadata: raw("")}, "metadata: a value is not JSON"},
		{"broken extra", nbformat.Notebook{Major: 4, Extra: raw("nope")}, "the notebook: a value is not JSON"},
		{"deep metadata", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{Type: nbformat.Raw, Metadata: nbformat.Object{"secret": deep}}}}, "cells[0].metadata: a value is nested deeper than 200 levels"},
		{"broken cell extra", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{Type: nbformat.Raw, Extra: raw("'")}}}, "cells[0]: a value is not JSON"},
		{"unknown output", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{code(nbformat.Output{Type: "secret"})}}, "cells[0].outputs[0].output_type must be stream, display_data, execute_result or error"},
		{"no output type", nbformat.Notebook{Major: 4, Minor: 6, Cells: []*nbformat.Cell{code(nbformat.Output{})}}, "cells[0].outputs[0].output_type must not be empty"},
		{"broken data", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{display("text/secret", `"`)}}, "cells[0].outputs[0].data: a value is not JSON"},
		{"text a number", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{display("text/secret", `1`)}}, "cells[0].outputs[0].data must hold strings or lists of strings where the MIME type is not JSON"},
		{"text a list of numbers", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{display("text/secret", `["",1]`)}}, "cells[0].outputs[0].data must hold strings or lists of strings where the MIME type is not JSON"},
		{"negative result count", nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{code(nbformat.Output{Type: nbformat.ExecuteResult, ExecutionCount: -2})}}, "cells[0].outputs[0].execution_count must be null or a whole number from 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.nb.Validate()
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got error %q\nwant %q", got, tt.want)
			}
			if got := quire.CodeOf(err); got != quire.InvalidArgument {
				t.Errorf("got code %v, want InvalidArgument", got)
			}
			var out strings.Builder
			if err := nbformat.Write(&out, &tt.nb); fmt.Sprint(err) != tt.want || out.Len() > 0 {
				t.Errorf("Write: got error %v and %d bytes, want the same error and none", err, out.Len())
			}
		})
	}
}

func TestWritePassesOnTheWritersError(t *testing.T) {
	broken := errors.New("broken")
	source := strings.Repeat("x\n", 100_000)
	nb := &nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{Type: nbformat.Raw, Source: source}, {Type: nbformat.Raw, Source: source}}}
	w := failing{broken, 0}
	if err := nbformat.Write(&w, nb); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if w.calls != 1 {
		t.Errorf("the writer was called %d times, want no more than once after its error", w.calls)
	}
}

func TestWriteHoldsLittleBack(t *testing.T) {
	text := strings.Repeat("a line of a long text\n", 1<<20)
	nb := &nbformat.Notebook{Major: 4, Cells: []*nbformat.Cell{{Type: nbformat.Code, Outputs: []nbformat.Output{
		{Type: nbformat.StreamOutput, Name: "stdout", Text: text},
		{Type: nbformat.ErrorOutput, Traceback: slices.Repeat([]string{"a line"}, 1<<20)},
	}}}}
	var w largest
	if err := nbformat.Write(&w, nb); err != nil {
		t.Fatal(err)
	}
	if limit := 128 << 10; w.n > limit {
		t.Errorf("%d bytes were written at once, want at most %d", w.n, limit)
	}
}

// largest notes the size of the largest write.
type largest struct{ n int }

func (l *largest) Write(p []byte) (int, error) {
	l.n = max(l.n, len(p))
	return len(p), nil
}

// The notebooks of the benchmarks, 50 MB each.
func BenchmarkParseAndWrite(b *testing.B) {
	const size = 50 << 20
	for name, o := range map[string]string{
		"lines":  `{"output_type":"stream","name":"stdout","text":["` + strings.Repeat(`a line of a long text\n","`, size/26) + `"]}`,
		"base64": `{"output_type":"display_data","data":{"image/png":"` + strings.Repeat("A", size) + `"}}`,
		"json":   `{"output_type":"display_data","data":{"application/json":[` + strings.Repeat(`{"y":"abc","x":1.5},`, size/20) + `0]}}`,
	} {
		data := []byte(output(o))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := nbformat.Write(io.Discard, parse(b, data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type failing struct {
	err   error
	calls int
}

func (f *failing) Write([]byte) (int, error) {
	f.calls++
	return 0, f.err
}

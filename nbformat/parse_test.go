package nbformat_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/nbformat"
)

// cells returns a notebook of the minor version with the given cells.
func cells(minor int, cells ...string) string {
	return fmt.Sprintf(`{"nbformat":4,"nbformat_minor":%d,"metadata":{},"cells":[%s]}`, minor, strings.Join(cells, ","))
}

// output returns a notebook of 4.4 with one output.
func output(o string) string {
	return cells(4, `{"cell_type":"code","metadata":{},"source":"","execution_count":null,"outputs":[`+o+`]}`)
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "the notebook is empty"},
		{"white space", " \n", "the notebook is empty"},
		{"no JSON", "import os\n", "the notebook is not JSON: syntax error at byte 1"},
		{"a comma too many", `{"nbformat":4,}`, "the notebook is not JSON: syntax error at byte 15"},
		{"a comma too many, no more", `{"nbformat":4,,`, "the notebook is not JSON: syntax error at byte 15"},
		{"text after the end", `{"nbformat":4} x`, "the notebook is not JSON: syntax error at byte 16"},
		{"NaN", `{"nbformat":4,"x":NaN}`, "the notebook is not JSON: syntax error at byte 19"},
		{"truncated", `{"nbformat":4,"cells":[{"sou`, "the notebook is truncated: its JSON breaks off at its end, byte 28"},
		{"truncated after a cell", `{"nbformat":4,"cells":[{}`, "the notebook is truncated: its JSON breaks off at its end, byte 25"},
		{"truncated literal", `{"nbformat":4,"cells":tru`, "the notebook is truncated: its JSON breaks off at its end, byte 25"},
		{"truncated escape", `{"nbformat":4,"cells":"\u12`, "the notebook is truncated: its JSON breaks off at its end, byte 27"},
		{"without bottom", strings.Repeat(`[{"":`, 100_000), "the notebook is nested deeper than 200 levels"},
		{"bracket in a text", `{"a":"\[`, "the notebook is not JSON: syntax error at byte 8"},
		{"truncated at a bracket in a text", `{"nbformat":"[`, "the notebook is truncated: its JSON breaks off at its end, byte 14"},
		{"bracket after a key", `{"a"[`, "the notebook is not JSON: syntax error at byte 5"},
		{"Latin 1", "{\"nbformat\":4,\"x\":\"caf\xe9\"}", "the notebook is not UTF-8: invalid bytes at byte 23"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "the notebook is not UTF-8: invalid bytes at byte 1"},

		{"a list", `[]`, "not a notebook: it must be a JSON object"},
		{"null", `null`, "not a notebook: it must be a JSON object"},
		{"other JSON", `{"name":"x"}`, "not a notebook: nbformat is missing"},
		{"text version", `{"nbformat":"4","cells":[]}`, "nbformat must be a whole number from 0"},
		{"fractional minor", `{"nbformat":4,"nbformat_minor":4.5,"cells":[]}`, "nbformat_minor must be a whole number from 0"},
		{"version 1", `{"nbformat":1,"cells":[]}`, "nbformat 1 is not supported: it must be 2, 3 or 4"},
		{"version 5", `{"nbformat":5,"cells":[]}`, "nbformat 5 is not supported: it must be 2, 3 or 4"},
		{"no cells", `{"nbformat":4,"nbformat_minor":4,"metadata":{}}`, "not a notebook: cells are missing"},
		{"cells no list", `{"nbformat":4,"cells":{}}`, "cells must be a list"},
		{"metadata no object", `{"nbformat":4,"metadata":[],"cells":[]}`, "metadata must be an object"},
		{"deep metadata", `{"nbformat":4,"metadata":{"secret":` + deep + `},"cells":[]}`, "metadata is nested deeper than 200 levels"},
		{"deep unknown field", `{"nbformat":4,"secret":` + deep + `,"cells":[]}`, "the notebook is nested deeper than 200 levels"},

		{"cell no object", cells(4, `"x"`), "cells[0] must be an object"},
		{"no cell type", cells(4, `{"source":""}`), "cells[0].cell_type is missing"},
		{"unknown cell type", cells(5, `{"cell_type":"secret","source":""}`), "cells[0].cell_type must be code, markdown or raw"},
		{"no source", cells(4, `{"cell_type":"raw","source":""}`, `{"cell_type":"code"}`), "cells[1].source is missing"},
		{"source a number", cells(4, `{"cell_type":"raw","source":1}`), "cells[0].source must be a string or a list of strings"},
		{"source null", cells(4, `{"cell_type":"raw","source":null}`), "cells[0].source must be a string or a list of strings"},
		{"source a mixed list", cells(4, `{"cell_type":"raw","source":["",1]}`), "cells[0].source must be a string or a list of strings"},
		{"cell metadata null", cells(4, `{"cell_type":"raw","source":"","metadata":null}`), "cells[0].metadata must be an object"},
		{"count a text", cells(4, `{"cell_type":"code","source":"","execution_count":"*"}`), "cells[0].execution_count must be null or a whole number from 0"},
		{"negative count", cells(4, `{"cell_type":"code","source":"","execution_count":-1}`), "cells[0].execution_count must be null or a whole number from 0"},
		{"huge count", cells(4, `{"cell_type":"code","source":"","execution_count":99999999999999999999}`), "cells[0].execution_count must be null or a whole number from 0"},
		{"outputs null", cells(4, `{"cell_type":"code","source":"","outputs":null}`), "cells[0].outputs must be a list"},
		{"attachments a list", cells(4, `{"cell_type":"raw","source":"","attachments":[]}`), "cells[0].attachments must be objects of data by MIME type, by file name"},
		{"attachment a text", cells(4, `{"cell_type":"raw","source":"","attachments":{"secret":""}}`), "cells[0].attachments must be objects of data by MIME type, by file name"},
		{"id a number", cells(5, `{"cell_type":"raw","source":"","id":1}`), "cells[0].id must be a string"},
		{"id empty", cells(5, `{"cell_type":"raw","source":"","id":""}`), "cells[0].id must be 1 to 64 letters, digits, - and _"},
		{"id with space", cells(5, `{"cell_type":"raw","source":"","id":"a b"}`), "cells[0].id must be 1 to 64 letters, digits, - and _"},
		{"id with line end", cells(5, `{"cell_type":"raw","source":"","id":"a\n"}`), "cells[0].id must be 1 to 64 letters, digits, - and _"},
		{"id too long", cells(5, `{"cell_type":"raw","source":"","id":"`+strings.Repeat("a", 65)+`"}`), "cells[0].id must be 1 to 64 letters, digits, - and _"},
		{"id twice", cells(5, `{"cell_type":"raw","source":"","id":"a"}`, `{"cell_type":"raw","source":"","id":"b"}`, `{"cell_type":"raw","source":"","id":"a"}`), "cells[2].id must differ from that of cells[0]"},

		{"output a text", output(`"x"`), "cells[0].outputs[0] must be an object"},
		{"no output type", output(`{"output_type":"error"},{}`), "cells[0].outputs[1].output_type is missing"},
		{"unknown output type", output(`{"output_type":"pyout"}`), "cells[0].outputs[0].output_type must be stream, display_data, execute_result or error"},
		{"stream text an object", output(`{"output_type":"stream","text":{}}`), "cells[0].outputs[0].text must be a string or a list of strings"},
		{"stream name null", output(`{"output_type":"stream","name":null}`), "cells[0].outputs[0].name must be a string"},
		{"data a list", output(`{"output_type":"display_data","data":[]}`), "cells[0].outputs[0].data must be an object"},
		{"text an object", output(`{"output_type":"display_data","data":{"text/secret":{}}}`), "cells[0].outputs[0].data must hold strings or lists of strings where the MIME type is not JSON"},
		{"deep data", output(`{"output_type":"display_data","data":{"application/json":` + deep + `}}`), "cells[0].outputs[0].data is nested deeper than 200 levels"},
		{"result count a list", output(`{"output_type":"execute_result","execution_count":[]}`), "cells[0].outputs[0].execution_count must be null or a whole number from 0"},
		{"traceback a text", output(`{"output_type":"error","traceback":"x"}`), "cells[0].outputs[0].traceback must be a list of strings"},
		{"traceback of numbers", output(`{"output_type":"error","traceback":["x",1]}`), "cells[0].outputs[0].traceback must be a list of strings"},

		{"3 without worksheets", `{"nbformat":3,"cells":[]}`, "not a notebook: worksheets are missing"},
		{"3 with a worksheet", `{"nbformat":3,"worksheets":{}}`, "worksheets must be a list"},
		{"3 without cells", `{"nbformat":3,"worksheets":[{}]}`, "worksheets[0].cells must be a list"},
		{"3 without type", `{"nbformat":3,"worksheets":[{"cells":[]},{"cells":[{}]}]}`, "worksheets[1].cells[0].cell_type is missing"},
		{"3 input a number", `{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"code","input":[1]}]}]}`, "worksheets[0].cells[0].input must be a string or a list of strings"},
		{"3 level a text", `{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"heading","level":"x","source":""}]}]}`, "worksheets[0].cells[0].level must be a whole number"},
		{"3 heading a number", `{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"heading","source":1}]}]}`, "worksheets[0].cells[0].source must be a string or a list of strings"},
		{"3 output a number", `{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"code","outputs":[1]}]}]}`, "worksheets[0].cells[0].outputs[0] must be an object"},
		{"3 json no JSON", `{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"code","outputs":[{"output_type":"pyout","json":"{secret"}]}]}]}`, "worksheets[0].cells[0].outputs[0].json must be a string that holds JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := nbformat.Parse([]byte(tt.data))
			if err == nil {
				t.Fatalf("got no error, want %q", tt.want)
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("got error %q\nwant %q", got, tt.want)
			}
			if got := quire.CodeOf(err); got != quire.InvalidArgument {
				t.Errorf("got code %v, want InvalidArgument", got)
			}
		})
	}
}

func TestParseFillsInWhatIsMissing(t *testing.T) {
	nb := parse(t, []byte(`{"nbformat":4,"cells":[{"cell_type":"code","source":"x","outputs":[
		{"output_type":"stream"},{"output_type":"display_data"},{"output_type":"execute_result"},{"output_type":"error"}]}]}`))
	want := &nbformat.Notebook{Major: 4, Metadata: nbformat.Object{}, Cells: []*nbformat.Cell{{
		Type: nbformat.Code, Source: "x", Metadata: nbformat.Object{},
		Outputs: []nbformat.Output{
			{Type: nbformat.StreamOutput, Name: "stdout"},
			{Type: nbformat.DisplayData, Data: nbformat.Object{}, Metadata: nbformat.Object{}},
			{Type: nbformat.ExecuteResult, Data: nbformat.Object{}, Metadata: nbformat.Object{}},
			{Type: nbformat.ErrorOutput},
		},
	}}}
	if diff := cmp.Diff(want, nb); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseKeepsNothingOfItsInput(t *testing.T) {
	for _, name := range fixtures(t) {
		data := readFile(t, name)
		before := slices.Clone(data)
		nb := parse(t, data)
		if !bytes.Equal(data, before) {
			t.Errorf("%s: Parse changed its input", name)
		}
		want := write(t, nb)
		for i := range data {
			data[i] = '!'
		}
		if diff := cmp.Diff(string(want), string(write(t, nb))); diff != "" {
			t.Errorf("%s: the notebook changed with Parse's input:\n%s", name, diff)
		}
	}
}

func TestParseAcceptsByteOrderMark(t *testing.T) {
	parse(t, []byte("\xef\xbb\xbf"+cells(5)))
}

func TestParseGivesTheSameIDs(t *testing.T) {
	data := readFile(t, "testdata/v4.5-without-ids.ipynb")
	first, second := parse(t, data), parse(t, data)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two readings differ:\n%s", diff)
	}
	if first.Cells[0].ID == first.Cells[1].ID {
		t.Errorf("two cells have the id %q", first.Cells[0].ID)
	}
	if got := first.Cells[2].ID; got != "given" {
		t.Errorf("got id %q, want the one that the file gives", got)
	}

	// A given id that is the same as one to be made.
	taken := fmt.Sprintf(`{"cell_type":"raw","source":"","id":%q}`, first.Cells[0].ID)
	nb := parse(t, []byte(cells(5, `{"cell_type":"code","source":["x"]}`, taken)))
	if nb.Cells[0].ID == nb.Cells[1].ID {
		t.Errorf("both cells have the id %q", nb.Cells[0].ID)
	}
}

func TestParseKeepsIDBefore45AsUnknownField(t *testing.T) {
	nb := parse(t, []byte(cells(4, `{"cell_type":"raw","source":"","id":"not an id"}`)))
	if got := nb.Cells[0].ID; got != "" {
		t.Errorf("got id %q, want none", got)
	}
	if got := string(nb.Cells[0].Extra["id"]); got != `"not an id"` {
		t.Errorf("got extra id %s", got)
	}
}

func TestParseUpgrades(t *testing.T) {
	nb := parse(t, readFile(t, "testdata/v3.ipynb"))
	if nb.Major != 4 || nb.Minor != 5 {
		t.Errorf("got nbformat %d.%d, want 4.5", nb.Major, nb.Minor)
	}
	var got []string
	for _, c := range nb.Cells {
		got = append(got, string(c.Type)+": "+c.Source)
	}
	want := []string{
		"markdown: ## A heading in two lines",
		"markdown: one\ntwo",
		"markdown: <b>x</b>",
		"raw: raw\ncell",
		"code: print 1\nprint 2",
		"code: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	nb = parse(t, []byte(`{"nbformat":3,"worksheets":[{"cells":[
		{"cell_type":"heading","level":1000000000,"source":"x"},
		{"cell_type":"code","input":"x","trusted":true,"id":"not an id"}]}]}`))
	if got, want := nb.Cells[0].Source, "###### x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := nb.Cells[1].Extra; got != nil {
		t.Errorf("got extra %s, want none", got)
	}
}

func TestRead(t *testing.T) {
	t.Run("reads to the end", func(t *testing.T) {
		nb, err := nbformat.Read(iotest.OneByteReader(strings.NewReader(cells(4, `{"cell_type":"raw","source":"x"}`))))
		if err != nil || len(nb.Cells) != 1 {
			t.Errorf("got %v, %v", nb, err)
		}
	})
	t.Run("passes on the reader's error", func(t *testing.T) {
		broken := errors.New("broken")
		_, err := nbformat.Read(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	})
	t.Run("reads no more than MaxBytes", func(t *testing.T) {
		endless := &zeros{}
		_, err := nbformat.Read(endless)
		if got, want := fmt.Sprint(err), "the notebook is larger than 256 MiB"; got != want {
			t.Errorf("got error %q, want %q", got, want)
		}
		if limit := int64(nbformat.MaxBytes + 1); endless.n > limit {
			t.Errorf("read %d bytes, want at most %d", endless.n, limit)
		}
	})
}

// zeros is zero bytes without end.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.n += int64(len(p))
	return len(p), nil
}

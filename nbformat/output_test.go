package nbformat_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/nbformat"
)

func TestOutputJSON(t *testing.T) {
	for _, tt := range []struct {
		name, data, want string
		output           nbformat.Output
	}{
		{
			"stream", `{"text": ["a\n", "b"], "output_type": "stream", "name": "stderr", "z": {"b": 1, "a": 2}}`,
			`{"name":"stderr","output_type":"stream","text":"a\nb","z":{"a":2,"b":1}}`,
			nbformat.Output{Type: nbformat.StreamOutput, Name: "stderr", Text: "a\nb", Extra: nbformat.Object{"z": json.RawMessage(`{"a":2,"b":1}`)}},
		},
		{
			"display_data", `{"output_type":"display_data","data":{"text/html":["<b>\n","</b>"],"application/json":["x"]},"metadata":{"image/png":{"width":1}}}`,
			`{"data":{"application/json":["x"],"text/html":"<b>\n</b>"},"metadata":{"image/png":{"width":1}},"output_type":"display_data"}`,
			nbformat.Output{
				Type:     nbformat.DisplayData,
				Data:     nbformat.Object{"text/html": json.RawMessage(`"<b>\n</b>"`), "application/json": json.RawMessage(`["x"]`)},
				Metadata: nbformat.Object{"image/png": json.RawMessage(`{"width":1}`)},
			},
		},
		{
			"execute_result", `{"output_type":"execute_result","execution_count":7,"data":{"text/plain":"1"},"metadata":{}}`,
			`{"data":{"text/plain":"1"},"execution_count":7,"metadata":{},"output_type":"execute_result"}`,
			nbformat.Output{Type: nbformat.ExecuteResult, ExecutionCount: 7, Data: nbformat.Object{"text/plain": json.RawMessage(`"1"`)}, Metadata: nbformat.Object{}},
		},
		{
			"error", `{"output_type":"error","ename":"E","evalue":"v","traceback":["a","b"]}`,
			`{"ename":"E","evalue":"v","output_type":"error","traceback":["a","b"]}`,
			nbformat.Output{Type: nbformat.ErrorOutput, ErrorName: "E", ErrorValue: "v", Traceback: []string{"a", "b"}},
		},
		{
			"of a newer version", `{"output_type":"hologram","data":[1],"text":["a","b"]}`,
			`{"data":[1],"output_type":"hologram","text":["a","b"]}`,
			nbformat.Output{Type: "hologram", Extra: nbformat.Object{"data": json.RawMessage(`[1]`), "text": json.RawMessage(`["a","b"]`)}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got nbformat.Output
			if err := json.Unmarshal([]byte(tt.data), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.output, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			data, err := got.MarshalJSON()
			if err != nil || string(data) != tt.want {
				t.Errorf("written: got %s, %v\nwant %s", data, err, tt.want)
			}
			// As a part of something, in the way of encoding/json.
			data, err = json.Marshal([]nbformat.Output{got})
			if err != nil {
				t.Fatal(err)
			}
			var again []nbformat.Output
			if err := json.Unmarshal(data, &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]nbformat.Output{tt.output}, again); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutputRefusesJSON(t *testing.T) {
	deep := strings.Repeat("[", 201) + strings.Repeat("]", 201)
	for data, want := range map[string]string{
		``:                                  "the output is empty",
		`{`:                                 "the output is truncated: its JSON breaks off at its end, byte 1",
		"{\"\xff\":1}":                      "the output is not UTF-8: invalid bytes at byte 3",
		`[]`:                                "output must be an object",
		`{"output_type":""}`:                "output.output_type must not be empty",
		`{"output_type":null}`:              "output.output_type must be a string",
		`{"output_type":"stream","text":1}`: "output.text must be a string or a list of strings",
		`{"output_type":"stream","secret":` + deep + `}`: "output is nested deeper than 200 levels",
	} {
		err := new(nbformat.Output).UnmarshalJSON([]byte(data))
		if got := fmt.Sprint(err); got != want || quire.CodeOf(err) != quire.InvalidArgument {
			t.Errorf("%s: got error %q, want %q", data, got, want)
		}
	}
}

func TestOutputMarshalValidates(t *testing.T) {
	for want, o := range map[string]nbformat.Output{
		"output.output_type must not be empty": {},
		"output.metadata: a value is not JSON": {Type: nbformat.DisplayData, Metadata: nbformat.Object{"x": json.RawMessage("{")}},
		"output: a value is not JSON":          {Type: nbformat.StreamOutput, Extra: nbformat.Object{"x": nil}},
	} {
		if _, err := o.MarshalJSON(); fmt.Sprint(err) != want {
			t.Errorf("got error %v, want %v", err, want)
		}
	}
}

// TestLongTexts reads and writes texts so long that they are not copied, and
// such as have to be changed all the same. A file and a single output must be
// the same as with a short one.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("QUFB", 1<<16)
	for name, data := range map[string]string{
		"plain":       `{"image/png":"LONG","a/b":"x"}`,
		"spaced":      ` { "image/png" : "LONG" , "a/b" : "x" } `,
		"escapes":     `{"image/png":"LONG\u0041\"\\\/\ud800"}`,
		"text":        `{"text/plain":"a\nLONG\nb"}`,
		"JSON":        `{"application/json":"LONG"}`,
		"JSON within": `{"application/json":{"b":["LONG"],"a":"LONG"}}`,
	} {
		raw := `{"output_type":"display_data","metadata":{},"data":` + data + `}`
		texts := map[string]string{}
		for size, text := range map[string]string{"short": "LONG", "long": long} {
			out, err := nbformat.ReadOutput([]byte(strings.ReplaceAll(raw, "LONG", text)))
			if err != nil {
				t.Fatal(err)
			}
			var copied nbformat.Output
			if err := copied.UnmarshalJSON([]byte(strings.ReplaceAll(raw, "LONG", text))); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(out, copied) { // cmp takes seconds for these
				t.Errorf("%s, %s: ReadOutput and UnmarshalJSON differ", name, size)
			}
			nb := parse(t, []byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"code","id":"a","metadata":{},"source":"","execution_count":null,"outputs":[]}]}`))
			nb.Cells[0].Outputs = []nbformat.Output{out, out}
			texts[size] = strings.ReplaceAll(string(write(t, nb)), long, "LONG")
		}
		if diff := cmp.Diff(texts["short"], texts["long"]); diff != "" {
			t.Errorf("%s (-short +long):\n%s", name, diff)
		}
	}
}

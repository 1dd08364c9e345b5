package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

const notRun = "0 [0]\n1 [0]\n"

// Rules on two code cells, of which the first holds an old output.
func TestRules(t *testing.T) {
	const two = `{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [
	  {"cell_type": "code", "metadata": {"execution": {"iopub.status.busy": "old"}}, "source": "1", "execution_count": 7,
	   "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}]},
	  {"cell_type": "code", "metadata": {}, "source": "2", "execution_count": 8, "outputs": []}]}`
	timed := quire.Event{CellFinished: &quire.CellFinished{Status: quire.CellOK, Timing: map[string]string{"shell.execute_reply": "t"}}}
	for _, tt := range []struct {
		name   string
		events []quire.Event // after Started and the first cell's start
		want   string
	}{
		{"a cell that has started", nil, notRun},
		{
			"streams coalesce while consecutive",
			[]quire.Event{stdout(0, "a"), stdout(0, "b"), stderr(0, "c"), stdout(0, "d")},
			"0 [0]\n  stdout \"ab\"\n  stderr \"c\"\n  stdout \"d\"\n1 [0]\n",
		},
		{
			"a display parts streams",
			[]quire.Event{stdout(0, "a"), display(0, "", "x"), stdout(0, "b")},
			"0 [0]\n  stdout \"a\"\n  display \"x\"\n  stdout \"b\"\n1 [0]\n",
		},
		{
			"a progress bar stays one line",
			[]quire.Event{stderr(0, "\r10%"), stderr(0, "\r20%"), stderr(0, "\rdone\n")},
			"0 [0]\n  stderr \"done\\n\"\n1 [0]\n",
		},
		{
			"an unknown stream is stdout",
			[]quire.Event{{Stream: &quire.Stream{Name: "log", Text: "x"}}},
			"0 [0]\n  stdout \"x\"\n1 [0]\n",
		},
		{"a result makes the count known", []quire.Event{result(0, 3, "x")}, "0 [3]\n  result 3 \"x\"\n1 [0]\n"},
		{"the end makes the count known", []quire.Event{finished(0, quire.CellOK, 4)}, "0 [4]\n1 [0]\n"},
		{"the end without a count keeps it", []quire.Event{result(0, 3, "x"), finished(0, quire.CellOK, 0)}, "0 [3]\n  result 3 \"x\"\n1 [0]\n"},
		{"timing", []quire.Event{timed}, "0 [0] {\"shell.execute_reply\":\"t\"}\n1 [0]\n"},
		{"an update changes every display of its id", []quire.Event{
			display(0, "d", "a"), display(0, "e", "b"), display(0, "d", "c"), finished(0, quire.CellOK, 1), cellStarted(1), display(1, "d", "d"), updated("d", "new"),
		}, "0 [1]\n  display \"new\"\n  display \"b\"\n  display \"new\"\n1 [0]\n  display \"new\"\n"},
		{
			"a display brings earlier ones up to date",
			[]quire.Event{display(0, "d", "a"), display(0, "d", "b")},
			"0 [0]\n  display \"b\"\n  display \"b\"\n1 [0]\n",
		},
		{"an update of an unknown id does nothing", []quire.Event{updated("d", "x")}, notRun},
		{"clear at once", []quire.Event{stdout(0, "a"), display(0, "", "b"), cleared(0, false)}, notRun},
		{"clear at once, then go on", []quire.Event{stdout(0, "a\r"), cleared(0, false), stdout(0, "b")}, "0 [0]\n  stdout \"b\"\n1 [0]\n"},
		{"clear and wait", []quire.Event{stdout(0, "a"), cleared(0, true)}, "0 [0]\n  stdout \"a\"\n1 [0]\n"},
		{
			"clear with the next stream",
			[]quire.Event{stdout(0, "a"), cleared(0, true), stdout(0, "b"), stdout(0, "c")},
			"0 [0]\n  stdout \"bc\"\n1 [0]\n",
		},
		{"clear with the next display", []quire.Event{stdout(0, "a"), cleared(0, true), display(0, "", "b")}, "0 [0]\n  display \"b\"\n1 [0]\n"},
		{
			"a clear that waits ends with the cell",
			[]quire.Event{stdout(0, "a"), cleared(0, true), finished(0, quire.CellOK, 1), stdout(0, "b")},
			"0 [1]\n  stdout \"ab\"\n1 [0]\n",
		},
		{"a clear concerns its cell alone", []quire.Event{stdout(0, "a"), cellStarted(1), cleared(1, false)}, "0 [0]\n  stdout \"a\"\n1 [0]\n"},
		{
			"what was cleared is not updated",
			[]quire.Event{display(0, "d", "a"), cleared(0, false), stdout(0, "b"), updated("d", "c")},
			"0 [0]\n  stdout \"b\"\n1 [0]\n",
		},
		{
			"a display is known while one is shown",
			[]quire.Event{display(0, "d", "a"), cellStarted(1), display(1, "d", "b"), cleared(0, false), updated("d", "c")},
			"0 [0]\n1 [0]\n  display \"c\"\n",
		},
		{
			"cut",
			[]quire.Event{stderr(0, "a"), {OutputCut: &quire.OutputCut{Limit: "cell", Bytes: "67108864"}}},
			"0 [0]\n  stderr \"a\"\n  stderr \"[quire: output cut here, the limit of 64 MiB for one cell is reached]\\n\"\n1 [0]\n",
		},
		{
			"cut by another limit",
			[]quire.Event{{OutputCut: &quire.OutputCut{Limit: "notebook", Bytes: "10240"}}},
			"0 [0]\n  stderr \"[quire: output cut here, the limit of 10 KiB for the notebook is reached]\\n\"\n1 [0]\n",
		},
		{
			"cut at an odd limit",
			[]quire.Event{{OutputCut: &quire.OutputCut{Limit: "cell", Bytes: "1001"}}},
			"0 [0]\n  stderr \"[quire: output cut here, the limit of 1001 bytes for one cell is reached]\\n\"\n1 [0]\n",
		},
		{
			"cut at nobody knows what",
			[]quire.Event{{OutputCut: &quire.OutputCut{Limit: "cell", Bytes: "x"}}},
			"0 [0]\n  stderr \"[quire: output cut here, the limit for one cell is reached]\\n\"\n1 [0]\n",
		},
		{"the kernel's error is enough", []quire.Event{raised(0, "E"), finished(0, quire.CellError, 1)}, "0 [1]\n  error E: why [\"line\"]\n1 [0]\n"},
		{"an error that the kernel did not show", []quire.Event{{CellFinished: &quire.CellFinished{
			Status: quire.CellError, ErrorName: "E", ErrorValue: "v", Traceback: []string{"t"},
		}}}, "0 [0]\n  error E: v [\"t\"]\n1 [0]\n"},
		{"interrupted", []quire.Event{stdout(0, "a"), {CellFinished: &quire.CellFinished{
			Status: quire.CellInterrupted, ErrorName: "Interrupted", ErrorValue: "cancelled",
		}}}, "0 [0]\n  stdout \"a\"\n  error Interrupted: cancelled []\n1 [0]\n"},
		{
			"interrupted by the kernel's own error",
			[]quire.Event{raised(0, "KeyboardInterrupt"), finished(0, quire.CellInterrupted, 1)},
			"0 [1]\n  error KeyboardInterrupt: why [\"line\"]\n1 [0]\n",
		},
		{"lost", []quire.Event{finished(0, quire.CellLost, 0)}, "0 [0]\n  error KernelDied:  []\n1 [0]\n"},
		{
			"an error that was cleared is shown again",
			[]quire.Event{raised(0, "E"), cleared(0, false), finished(0, quire.CellError, 1)},
			"0 [1]\n  error Error:  []\n1 [0]\n",
		},
		{"a cell that starts again starts empty", []quire.Event{stdout(0, "a"), finished(0, quire.CellOK, 1), cellStarted(0)}, notRun},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := reduce(t, two, append([]quire.Event{started(), cellStarted(0)}, tt.events...)...)
			if diff := cmp.Diff(tt.want, describe(n.Snapshot())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScripts(t *testing.T) {
	const before = "1 [0]\n2 [0]\n3 [9] {\"iopub.status.busy\":\"old\"}\n  stdout \"kept\"\n4 [0]\n5 [0]\n6 [0]\n"
	if diff := cmp.Diff(before, describe(reduce(t, input).Snapshot())); diff != "" {
		t.Errorf("before the start: %s", diff)
	}
	for name, want := range map[string]string{
		"succeeds": `1 [1] {"iopub.status.busy":"t1","shell.execute_reply":"t2"}
  stdout "a\nc"
  stderr "w"
  stdout "d"
  result 1 "1"
2 [2]
  display "after"
  display "x"
3 [9] {"iopub.status.busy":"old"}
  stdout "kept"
4 [0]
5 [0]
6 [3]
`,
		"fails":          strings.Replace(before, "1 [0]\n", "1 [1]\n  stdout \"half\"\n  error ValueError: why [\"line\"]\n", 1),
		"injects":        strings.Replace(before, "5 [0]\n6 [0]\n", "5 [1]\n6 [2]\n  stdout \"3\"\n", 1),
		"is tried again": strings.Replace(before, "1 [0]\n", "1 [1]\n  stdout \"second\"\n", 1),
		"clears":         strings.Replace(before, "1 [0]\n", "1 [1]\n", 1),
		"widgets":        strings.Replace(before, "1 [0]\n", "1 [1]\n  display \"after\"\n", 1),
		"is cut": strings.Replace(before, "1 [0]\n", "1 [0]\n  stdout \"much\"\n"+
			"  stderr \"[quire: output cut here, the limit of 64 MiB for one cell is reached]\\n\"\n  error Interrupted: cancelled []\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, describe(reduce(t, input, scripts()[name]...).Snapshot())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	bare := `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}`
	for _, tt := range []struct {
		name, input string
		events      []quire.Event
		want        map[string]string
	}{
		{"before the start", bare, nil, map[string]string{"quire": `{"state":"QUEUED","attempt":0}`}},
		{"what was there stays", input, []quire.Event{started()}, map[string]string{
			"quire": `{"state":"STARTING","attempt":1}`,
			"title": `"t"`, "language_info": `{"name":"old"}`, "widgets": `{"other":1}`,
		}},
		{"kernel", bare, []quire.Event{
			started(),
			{KernelStarting: &quire.KernelStarting{Kernel: "python3"}},
			{KernelReady: &quire.KernelReady{LanguageInfo: json.RawMessage(`{"name":"python","version":"3","mimetype":5,"codemirror_mode":{"name":"ipython"},"pygments_lexer":"x"}`)}},
		}, map[string]string{
			"quire":         `{"state":"RUNNING","attempt":1}`,
			"kernelspec":    `{"display_name":"python3","name":"python3"}`,
			"language_info": `{"name":"python","version":"3","codemirror_mode":{"name":"ipython"},"pygments_lexer":"x"}`,
		}},
		{"kernelspec stays", `{"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "mine", "display_name": "Mine"}}, "cells": []}`, []quire.Event{
			started(), {KernelStarting: &quire.KernelStarting{Kernel: "python3"}},
		}, map[string]string{
			"quire": `{"state":"STARTING","attempt":1}`, "kernelspec": `{"name":"mine","display_name":"Mine"}`,
		}},
		{"failure", input, scripts()["fails"], map[string]string{
			"quire": `{"state":"FAILED","attempt":1,"failure":{"kind":"cell","message":"the cell raised ValueError","cell":1,"cellId":"one"}}`,
			"title": `"t"`, "language_info": `{"name":"old"}`, "widgets": `{"other":1}`,
		}},
		{"retry", input, scripts()["is tried again"][:4], map[string]string{
			"quire": `{"state":"QUEUED","attempt":1}`,
			"title": `"t"`, "language_info": `{"name":"old"}`, "widgets": `{"other":1}`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string]any{}
			for key, raw := range reduce(t, tt.input, tt.events...).Snapshot().Metadata {
				got[key] = decode(t, raw)
			}
			want := map[string]any{}
			for key, raw := range tt.want {
				want[key] = decode(t, json.RawMessage(raw))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func decode(t testing.TB, raw json.RawMessage) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func TestWidgets(t *testing.T) {
	output := func(outputs string) string {
		return `{"model_name":"OutputModel","model_module":"@jupyter-widgets/output","model_module_version":"1.0.0","state":
		  {"_model_name":"OutputModel","_model_module":"@jupyter-widgets/output","_model_module_version":"1.0.0","msg_id":"","outputs":` + outputs + `}}`
	}
	stream := func(text string) string { return `{"output_type":"stream","name":"stdout","text":"` + text + `"}` }
	shown := func(text string) string {
		return `{"output_type":"display_data","data":{"text/plain":"` + text + `"},"metadata":{}}`
	}
	buffered := func(buffers string) quire.Event {
		return quire.Event{WidgetUpdated: &quire.WidgetUpdated{WidgetID: "w", Buffers: json.RawMessage(buffers)}}
	}
	for _, tt := range []struct {
		name   string
		events []quire.Event
		want   string // the states; "" for none
	}{
		{"none", nil, ""},
		{
			"keys replace those before",
			[]quire.Event{widget("w", `{"_model_name":"M","a":{"x":1},"b":2}`), widget("w", `{"a":{"y":3}}`)},
			`{"w":{"model_name":"M","model_module":null,"model_module_version":null,"state":{"_model_name":"M","a":{"y":3},"b":2}}}`,
		},
		{"other comms", []quire.Event{widget("w", `{"a":1}`)}, ""},
		{"closed", []quire.Event{widget("w", `{"_model_name":"M"}`), {WidgetUpdated: &quire.WidgetUpdated{WidgetID: "w", Closed: true}}}, ""},
		{"buffers by path", []quire.Event{
			widget("w", `{"_model_name":"M"}`), buffered(`[{"path":["a"],"data":"MQ==","encoding":"base64"},{"path":["b",0],"data":"Mg==","encoding":"base64"}]`),
			buffered(`[{"path":["a"],"data":"Mw==","encoding":"base64"}]`),
		}, `{"w":{"model_name":"M","model_module":null,"model_module_version":null,"state":{"_model_name":"M"},"buffers":[
		     {"path":["a"],"data":"Mw==","encoding":"base64"},{"path":["b",0],"data":"Mg==","encoding":"base64"}]}}`},
		{
			"output",
			[]quire.Event{widget("o", outputModel), into("o", stdout(1, "a\r")), into("o", stdout(1, "b")), into("o", display(1, "", "c"))},
			`{"o":` + output("["+stream("b")+","+shown("c")+"]") + `}`,
		},
		{
			"output is updated",
			[]quire.Event{widget("o", outputModel), into("o", display(1, "d", "c")), updated("d", "e")},
			`{"o":` + output("["+shown("e")+"]") + `}`,
		},
		{
			"output is cleared",
			[]quire.Event{widget("o", outputModel), into("o", stdout(1, "a")), into("o", cleared(1, false))},
			`{"o":` + output("[]") + `}`,
		},
		{
			"output is cleared with the next",
			[]quire.Event{widget("o", outputModel), into("o", stdout(1, "a")), into("o", cleared(1, true)), into("o", stdout(1, "b"))},
			`{"o":` + output("["+stream("b")+"]") + `}`,
		},
		{"output that the kernel set", []quire.Event{
			widget("o", outputModel), into("o", stdout(1, "a")), widget("o", `{"outputs":[`+stream("b")+`]}`), into("o", stdout(1, "c")),
		}, `{"o":` + output("["+stream("bc")+"]") + `}`},
		{"output that the kernel repeats", []quire.Event{
			widget("o", outputModel), into("o", display(1, "d", "a")), widget("o", `{"outputs":[`+shown("a")+`]}`), updated("d", "b"), into("o", stdout(1, "c")),
		}, `{"o":` + output("["+shown("b")+","+stream("c")+"]") + `}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := reduce(t, input, append([]quire.Event{started(), cellStarted(1)}, tt.events...)...)
			want := `{"other":1}`
			if tt.want != "" {
				want = `{"other":1,"application/vnd.jupyter.widget-state+json":{"version_major":2,"version_minor":0,"state":` + tt.want + `}}`
			}
			nb := n.Snapshot()
			if diff := cmp.Diff(decode(t, json.RawMessage(want)), decode(t, nb.Metadata["widgets"])); diff != "" {
				t.Error(diff)
			}
			if got := nb.Cells[1].Outputs; len(got) != 0 {
				t.Errorf("the cell shows %v", got)
			}
		})
	}
	t.Run("output for a widget that is not there goes to the cell", func(t *testing.T) {
		n := reduce(t, input, started(), cellStarted(1), into("gone", stdout(1, "a")), widget("w", `{"_model_name":"M"}`), into("w", stdout(1, "b")))
		if got, want := describe(n.Snapshot()), "1 [0]\n  stdout \"ab\"\n"; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestExecutedCells(t *testing.T) {
	ids := func(cells []*nbformat.Cell) string {
		var all []string
		for _, c := range cells {
			all = append(all, c.ID)
		}
		return strings.Join(all, " ")
	}
	nb := parse(t, input)
	for _, tt := range []struct {
		name     string
		injected *quire.InjectedCell
		want     string
		wantErr  bool
	}{
		{"nothing", nil, "text one two skip parameters injected-parameters six", false},
		{"after the parameters", &quire.InjectedCell{Index: 5, ID: "new"}, "text one two skip parameters new six", false},
		{"first", &quire.InjectedCell{Index: 0, ID: "new"}, "new text one two skip parameters six", false},
		{"last", &quire.InjectedCell{Index: 6, ID: "new"}, "text one two skip parameters six new", false},
		{"beyond", &quire.InjectedCell{Index: 7, ID: "new"}, "text one two skip parameters six", true},
		{"negative", &quire.InjectedCell{Index: -1, ID: "new"}, "text one two skip parameters six", true},
		{"the old one's id", &quire.InjectedCell{Index: 5, ID: "injected-parameters"}, "text one two skip parameters injected-parameters six", false},
		{"without an id", &quire.InjectedCell{Index: 5}, "text one two skip parameters injected-parameters six", false},
		{"with an impossible id", &quire.InjectedCell{Index: 5, ID: "ä"}, "text one two skip parameters injected-parameters six", false},
		{"with an id that is taken", &quire.InjectedCell{Index: 5, ID: "one"}, "text one two skip parameters injected-parameters-2 six", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cells, err := journal.ExecutedCells(nb, tt.injected)
			if got := ids(cells); got != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	t.Run("a notebook without ids", func(t *testing.T) {
		old := parse(t, `{"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": []}`)
		cells, err := journal.ExecutedCells(old, &quire.InjectedCell{ID: "x", Source: "a = 1"})
		want := []*nbformat.Cell{{Type: nbformat.Code, Source: "a = 1", Metadata: nbformat.Object{"tags": json.RawMessage(`["injected-parameters"]`)}}}
		if diff := cmp.Diff(want, cells); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

// The input is left alone, and so is a snapshot by what is applied after it.
func TestPurity(t *testing.T) {
	for name, events := range scripts() {
		t.Run(name, func(t *testing.T) {
			nb := parse(t, input)
			n := journal.NewNotebook(nb)
			for _, e := range events {
				before := n.Snapshot()
				text := write(t, before)
				_ = n.Apply(e)
				for _, c := range n.Snapshot().Cells {
					c.Metadata["spoilt"] = json.RawMessage("1")
					for i := range c.Outputs {
						c.Outputs[i].Text = "spoilt"
						if c.Outputs[i].Data != nil {
							c.Outputs[i].Data["text/plain"] = json.RawMessage(`"spoilt"`)
						}
					}
				}
				if diff := cmp.Diff(text, write(t, before)); diff != "" {
					t.Fatalf("an earlier snapshot has changed: %s", diff)
				}
			}
			if diff := cmp.Diff(parse(t, input), nb); diff != "" {
				t.Errorf("the input has changed: %s", diff)
			}
			if got := write(t, n.Snapshot()); strings.Contains(got, "spoilt") {
				t.Error("a snapshot shares what it shows with the notebook")
			}
		})
	}
}

func write(t testing.TB, nb *nbformat.Notebook) string {
	t.Helper()
	var b bytes.Buffer
	if err := nbformat.Write(&b, nb); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// At every moment of every execution the notebook is valid, shows no cell as
// run that has not started, and says what the state is.
func TestEveryPrefix(t *testing.T) {
	for name, events := range scripts() {
		t.Run(name, func(t *testing.T) {
			for upTo := range len(events) + 1 {
				data := record(t, events[:upTo]...)
				n, progress, err := journal.Reduce(parse(t, input), journal.NewReader(bytes.NewReader(data)))
				if err != nil {
					t.Fatal(err)
				}
				nb := n.Snapshot()
				if err := nb.Validate(); err != nil {
					t.Fatalf("after %d events: %v", upTo, err)
				}
				want := quire.Progress{State: quire.Queued}
				ran := map[int32]bool{3: true} // shown as it was
				for _, e := range events[:upTo] {
					e.Time = noon
					want.Apply(e)
					if e.Started != nil {
						ran = map[int32]bool{3: true}
					}
					if e.CellStarted != nil {
						ran[e.CellStarted.Cell] = true
					}
				}
				if diff := cmp.Diff(want, progress); diff != "" {
					t.Errorf("after %d events: %s", upTo, diff)
				}
				stamp, _ := nbformat.Get[struct{ State quire.State }](nb.Metadata, "quire")
				if stamp.State != want.State {
					t.Errorf("after %d events: the notebook says %s, want %s", upTo, stamp.State, want.State)
				}
				for i, c := range nb.Cells {
					_, timed := c.Metadata["execution"]
					if !ran[int32(i)] && (len(c.Outputs) > 0 || c.ExecutionCount != 0 || timed) {
						t.Errorf("after %d events: cell %d did not start but is shown as run", upTo, i)
					}
				}
			}
		})
	}
}

func TestNonsense(t *testing.T) {
	broken := func(text string) quire.Event {
		return quire.Event{Output: &quire.Output{Cell: 1, Output: json.RawMessage(text)}}
	}
	deep := strings.Repeat("[", 150) + strings.Repeat("]", 150)
	for name, e := range map[string]quire.Event{
		"no kind":                    {},
		"cell out of range":          stdout(7, "x"),
		"negative cell":              display(-1, "", "x"),
		"markdown cell":              stdout(0, "x"),
		"start of a markdown cell":   cellStarted(0),
		"end of no cell":             finished(99, quire.CellSkipped, 0),
		"cell that has not started":  result(2, 1, "x"),
		"end before the start":       finished(2, quire.CellOK, 1),
		"clear before the start":     cleared(2, false),
		"cut before the start":       {OutputCut: &quire.OutputCut{Cell: 2}},
		"unknown status":             finished(1, "fine", 0),
		"no output":                  broken(``),
		"null output":                broken(`null`),
		"list for output":            broken(`[]`),
		"broken output":              broken(`{"output_type":"display_data"`),
		"output without type":        broken(`{"data":{}}`),
		"output of unknown type":     broken(`{"output_type":"hologram"}`),
		"deep output":                broken(`{"output_type":"display_data","data":{"application/json":` + deep + `}}`),
		"data that is no text":       broken(`{"output_type":"display_data","data":{"text/plain":5}}`),
		"data that is no object":     broken(`{"output_type":"display_data","data":[]}`),
		"negative count":             broken(`{"output_type":"execute_result","execution_count":-5}`),
		"traceback of numbers":       broken(`{"output_type":"error","ename":"E","evalue":"v","traceback":[1]}`),
		"update with wrong data":     {DisplayUpdated: &quire.DisplayUpdated{DisplayID: "d", Data: json.RawMessage(`{"text/plain":5}`)}},
		"update that smuggles":       {DisplayUpdated: &quire.DisplayUpdated{DisplayID: "d", Data: json.RawMessage(`{},"output_type":"error"`)}},
		"broken update":              {DisplayUpdated: &quire.DisplayUpdated{DisplayID: "d", Data: json.RawMessage(`[`)}},
		"deep update":                {DisplayUpdated: &quire.DisplayUpdated{DisplayID: "d", Data: json.RawMessage(`{"application/json":` + deep + `}`)}},
		"widget without an id":       widget("", `{}`),
		"broken widget":              widget("w", `{`),
		"deep widget":                widget("w", `{"_model_name":"M","x":`+deep+`}`),
		"broken buffers":             {WidgetUpdated: &quire.WidgetUpdated{WidgetID: "w", Buffers: json.RawMessage(`{}`)}},
		"deep buffers":               {WidgetUpdated: &quire.WidgetUpdated{WidgetID: "w", Buffers: json.RawMessage(`[{"path":` + deep + `}]`)}},
		"language without a name":    {KernelReady: &quire.KernelReady{LanguageInfo: json.RawMessage(`{"name":1}`)}},
		"broken language":            {KernelReady: &quire.KernelReady{LanguageInfo: json.RawMessage(`{`)}},
		"parameters out of the book": {Started: &quire.Started{Injected: &quire.InjectedCell{Index: 100}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := reduce(t, input, started(), cellStarted(1), display(1, "d", "x"))
			e.Seq = 4
			if err := n.Apply(e); err == nil || !strings.HasPrefix(err.Error(), "apply event 4: ") {
				t.Errorf("got %v, want an error", err)
			}
			if err := n.Snapshot().Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What nbformat allows comes out as it went in; texts may be joined, and fields
// that it does not know are gone.
func TestOutputs(t *testing.T) {
	for name, tt := range map[string]struct{ output, want string }{
		"empty": {`{"output_type":"display_data"}`, `{"output_type":"display_data","data":{},"metadata":{}}`},
		"text in lines": {
			`{"output_type":"display_data","data":{"image/svg+xml":["a","b"]},"metadata":{}}`,
			`{"output_type":"display_data","data":{"image/svg+xml":"ab"},"metadata":{}}`,
		},
		"JSON data": {
			`{"output_type":"display_data","data":{"application/json":[1],"application/vnd.x+json":null},"metadata":{"x":1}}`,
			`{"output_type":"display_data","data":{"application/json":[1],"application/vnd.x+json":null},"metadata":{"x":1}}`,
		},
		"unknown fields": {`{"output_type":"display_data","DATA":{"a":"b"},"transient":{"display_id":"d"}}`, `{"output_type":"display_data","data":{},"metadata":{}}`},
		"no count":       {`{"output_type":"execute_result","execution_count":null}`, `{"output_type":"execute_result","data":{},"metadata":{},"execution_count":null}`},
		"error":          {`{"output_type":"error","ename":"E","evalue":"v","traceback":["a"]}`, `{"output_type":"error","ename":"E","evalue":"v","traceback":["a"]}`},
		"stream":         {`{"output_type":"stream","name":"stderr","text":"a\rb"}`, `{"output_type":"stream","name":"stderr","text":"b"}`},
	} {
		t.Run(name, func(t *testing.T) {
			n := reduce(t, input, started(), cellStarted(1), quire.Event{Output: &quire.Output{Cell: 1, Output: json.RawMessage(tt.output)}})
			got, err := json.Marshal(n.Snapshot().Cells[1].Outputs[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, json.RawMessage(tt.want)), decode(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReduceDamaged(t *testing.T) {
	data := record(t, scripts()["fails"]...)
	data[len(data)/2] ^= 1
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := journal.OpenFile(path, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, progress, err := journal.Reduce(parse(t, input), r)
	if !errors.Is(err, journal.ErrCorrupt) || progress.State != quire.Starting {
		t.Errorf("got %v in state %s, want ErrCorrupt in STARTING", err, progress.State)
	}
	if err := n.Snapshot().Validate(); err != nil {
		t.Error(err)
	}
}

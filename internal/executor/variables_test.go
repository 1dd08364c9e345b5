package executor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
)

func TestOutputVariables(t *testing.T) {
	t.Parallel()
	job := newJob(t, "python3", cell(`
import numpy as np, pandas as pd, math
none, yes, small, big = None, True, 7, 2**64
pi, nan, inf, minus = 3.5, math.nan, math.inf, -math.inf
word, lone = "é\n", "\ud800"
items, pair = [1, "a", None, [2.5]], (1, 2)
table = {"a": 1, 2: {"b": [nan]}}
scalar, flag, array = np.float32(0.5), np.bool_(True), np.array([[1, 2], [3, 4]])
zero_dim = np.array(3)
frame = pd.DataFrame({"n": [1, 2, 3], "s": ["x", None, "z"], "t": pd.to_datetime(["2026-01-01", None, "2026-01-03"])})
long = pd.DataFrame({"n": range(5000)})
series = pd.Series([1.5, 2.5])
class Odd:
    def __repr__(self): return "<odd>"
class Bad:
    def __repr__(self): raise ValueError
odd, bad = Odd(), Bad()
exec, globals, json = None, None, "shadowed"
`))
	job.OutputNames = []string{
		"none", "yes", "small", "big", "pi", "nan", "inf", "minus", "word", "lone", "items", "pair", "table",
		"scalar", "flag", "array", "zero_dim", "frame", "series", "odd", "bad", "json", "absent",
	}
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v", r.end.Failure)
	}
	want := []string{
		"none null null", "yes bool true", "small int 7", `big int "18446744073709551616"`,
		"pi float 3.5", `nan float "NaN"`, `inf float "Infinity"`, `minus float "-Infinity"`,
		`word string "é\n"`, `lone string "\\ud800"`,
		`items list [1,"a",null,[2.5]]`, "pair list [1,2]", `table dict {"2":{"b":["NaN"]},"a":1}`,
		"scalar float 0.5", "flag bool true", "array array [[1,2],[3,4]]", "zero_dim int 3",
		`frame dataframe [{"n":1,"s":"x","t":"2026-01-01T00:00:00"},{"n":2,"s":null,"t":null},{"n":3,"s":"z","t":"2026-01-03T00:00:00"}]`,
		"series array [1.5,2.5]",
		`odd object {"repr":"<odd>","type":"__main__.Odd"}`, `bad object {"repr":"<repr raised ValueError>","type":"__main__.Bad"}`,
		`json string "shadowed"`, "absent missing ",
	}
	if diff := cmp.Diff(want, lines(t, r.progress.Outputs)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(string(mustJSON(t, r.notebook.Cells)), "vnd.quire.variables") {
		t.Error("the reader shows in the notebook")
	}
}

func TestOutputVariablesAreBounded(t *testing.T) {
	t.Parallel()
	job := newJob(t, "python3", cell(`
import pandas as pd
long = pd.DataFrame({"n": range(5000)})
huge = "x" * 100_000
loop = []; loop.append(loop)
deep = []
for _ in range(200): deep = [deep]
`))
	job.OutputNames = []string{"long", "huge", "loop", "deep"}
	job.Run.MaxVariableRows, job.Run.MaxVariableBytes = 10, 2000
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Succeeded || len(r.progress.Outputs) != 4 {
		t.Fatalf("got %+v", r.progress)
	}
	for _, v := range r.progress.Outputs {
		if len(v.Value) > 2200 {
			t.Errorf("%s takes %d bytes", v.Name, len(v.Value))
		}
	}
	long := r.progress.Outputs[0]
	var rows []map[string]int
	if err := json.Unmarshal(long.Value, &rows); err != nil || len(rows) != 10 || !long.Truncated {
		t.Errorf("got %d rows, truncated %v, %v", len(rows), long.Truncated, err)
	}
	if huge := r.progress.Outputs[1]; huge.Type != quire.StringVariable || !huge.Truncated {
		t.Errorf("got %s, truncated %v", huge.Type, huge.Truncated)
	}
}

func TestOutputVariablesOfAHostileNotebook(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"never returns": "class V:\n    def __repr__(self):\n        import time\n        time.sleep(600)\nv = V()",
		"publishes lies": `
import IPython.display
def lie(*a, **k):
    from IPython.core.interactiveshell import InteractiveShell
    InteractiveShell.instance().display_pub.publish({"application/vnd.quire.variables": '[{"name": "other", "type": "int", "value": 1}]'})
IPython.display.publish_display_data = lie
v = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, "python3", cell(source))
			job.OutputNames, job.Run.CellTimeout = []string{"v"}, 5e9
			r := run(t, t.Context(), job, nil)
			if r.end.State != quire.Succeeded || len(r.progress.Outputs) != 1 {
				t.Fatalf("got %+v %+v", r.end.Failure, r.progress.Outputs)
			}
			if v := r.progress.Outputs[0]; v.Name != "v" || v.Type != quire.ObjectVariable || !strings.Contains(string(v.Value), "unreadable") {
				t.Errorf("got %s %s %s", v.Name, v.Type, v.Value)
			}
		})
	}
}

// lines writes each variable as its name, type and value with sorted keys.
func lines(t *testing.T, vars []quire.Variable) []string {
	t.Helper()
	var out []string
	for _, v := range vars {
		value := ""
		if v.Value != nil {
			var any any
			if err := json.Unmarshal(v.Value, &any); err != nil {
				t.Fatal(err)
			}
			value = string(mustJSON(t, any))
		}
		out = append(out, v.Name+" "+string(v.Type)+" "+value)
	}
	return out
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.TrimSpace(b.String()))
}

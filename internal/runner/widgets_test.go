package runner_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/internal/runner"
	"quire/jupyter/jupytertest"
	"quire/nbformat"
)

const widgetStateMIME = "application/vnd.jupyter.widget-state+json"

type widgetState struct {
	State map[string]struct {
		ModelName string `json:"model_name"`
		State     struct {
			Value   int               `json:"value"`
			Outputs []nbformat.Output `json:"outputs"`
		} `json:"state"`
		Buffers []struct {
			Path []string `json:"path"`
			Data string   `json:"data"`
		} `json:"buffers"`
	} `json:"state"`
}

func widgetsOf(t *testing.T, nb *nbformat.Notebook) widgetState {
	t.Helper()
	all, _ := nbformat.Get[map[string]widgetState](nb.Metadata, "widgets")
	return all[widgetStateMIME]
}

func TestWidgetState(t *testing.T) {
	out := play(t, t.Context(), notebook("first"), map[string]script{"first": func(c *jupytertest.Cell, _ *process) {
		c.OpenComm("w1", "jupyter.widget", map[string]any{
			"state":        map[string]any{"_model_name": "IntSliderModel", "_model_module": "@jupyter-widgets/controls", "value": 1},
			"buffer_paths": []any{[]any{"image"}},
		}, []byte("raw"))
		c.SendComm("w1", map[string]any{"method": "update", "state": map[string]any{"value": 7}})
	}}, runner.Options{Run: settings()})
	w := widgetsOf(t, out.notebook).State["w1"]
	if w.ModelName != "IntSliderModel" || w.State.Value != 7 {
		t.Errorf("got %+v", w)
	}
	if len(w.Buffers) != 1 || w.Buffers[0].Data != "cmF3" || !cmp.Equal(w.Buffers[0].Path, []string{"image"}) {
		t.Errorf("got the buffers %+v", w.Buffers)
	}
}

func TestOutputWidget(t *testing.T) {
	update := func(c *jupytertest.Cell, msgID string) {
		c.SendComm("out", map[string]any{"method": "update", "state": map[string]any{"msg_id": msgID}})
	}
	out := play(t, t.Context(), notebook("first", "second", "after what the kernel was told"), map[string]script{"first": func(c *jupytertest.Cell, _ *process) {
		c.OpenComm("out", "jupyter.widget", map[string]any{"state": map[string]any{
			"_model_name": "OutputModel", "_model_module": "@jupyter-widgets/output", "msg_id": "", "outputs": []any{},
		}})
		update(c, c.Request.Header.MsgID)
		c.Stream("stdout", "cap")
		c.Stream("stdout", "tured\n")
		update(c, "")
		c.Stream("stdout", "plain\n")
	}, "second": func(c *jupytertest.Cell, _ *process) {
		update(c, c.Request.Header.MsgID)
		c.Clear(true)
		c.Display("", plain("replaced"))
		update(c, "")
	}}, runner.Options{Run: settings()})

	if got := shown(out.notebook.Cells[0]); !cmp.Equal(got, []string{"stdout: plain\n"}) {
		t.Errorf("got %v in the first cell", got)
	}
	if got := shown(out.notebook.Cells[1]); got != nil {
		t.Errorf("got %v in the second cell", got)
	}
	widget := &nbformat.Cell{Outputs: widgetsOf(t, out.notebook).State["out"].State.Outputs}
	if got := shown(widget); !cmp.Equal(got, []string{"display_data: replaced"}) {
		t.Errorf("got %v in the widget", got)
	}

	var told [][]string
	for _, r := range out.requests {
		var update struct {
			CommID string `json:"comm_id"`
			Data   struct {
				State struct {
					Outputs []nbformat.Output `json:"outputs"`
				} `json:"state"`
			} `json:"data"`
		}
		if r.Header.MsgType == "comm_msg" && json.Unmarshal(r.Content, &update) == nil && update.CommID == "out" {
			told = append(told, shown(&nbformat.Cell{Outputs: update.Data.State.Outputs}))
		}
	}
	if want := [][]string{{"stdout: captured\n"}, {"display_data: replaced"}}; !cmp.Equal(told, want) {
		t.Errorf("the kernel was told %v, want %v", told, want)
	}
}

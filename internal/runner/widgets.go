package runner

import (
	"context"
	"encoding/base64"
	"slices"

	"quire"
	"quire/jupyter"
	"quire/nbformat"
)

// widgets plays the front end for ipywidgets: it passes on the state that
// models publish over their comms, and directs output into Output widgets. No
// other comm gets an answer.
type widgets struct {
	outputs map[string]*outputWidget // by comm id
	hooks   map[string][]string      // comm ids of the widgets that capture a request's output, the last one active
}

// outputWidget is an Output widget: while its msg_id names a request, that
// request's output goes into it.
type outputWidget struct {
	msgID      string
	outputs    []nbformat.Output
	clearFirst bool // clear_output(wait=True) waits for the next output
	dirty      bool // the kernel's copy of outputs is behind
}

func newWidgets() *widgets {
	return &widgets{outputs: map[string]*outputWidget{}, hooks: map[string][]string{}}
}

// capturing returns the id of the Output widget that takes the output of a
// request, or "".
func (w *widgets) capturing(msgID string) string {
	if stack := w.hooks[msgID]; len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return ""
}

// commContent is a comm message whose data is a widget's (messaging
// specification, "Custom Messages"; ipywidgets' messaging protocol 2).
type commContent struct {
	CommID     string `json:"comm_id"`
	TargetName string `json:"target_name"`
	Data       struct {
		State       map[string]any `json:"state"`
		BufferPaths []any          `json:"buffer_paths"`
	} `json:"data"`
}

// buffer is a binary part of a widget's state in nbformat's widget metadata.
type buffer struct {
	Path     any    `json:"path"`
	Data     string `json:"data"`
	Encoding string `json:"encoding"`
}

func (t *translator) comm(cell int32, msg *jupyter.Message) []quire.Event {
	var c commContent
	if !decode(msg.Content, &c) || c.CommID == "" {
		return nil
	}
	if msg.Header.MsgType == "comm_close" {
		t.widgets.closed(c.CommID)
		return []quire.Event{{WidgetUpdated: &quire.WidgetUpdated{WidgetID: c.CommID, Closed: true}}}
	}
	if c.Data.State == nil {
		return nil // a custom message
	}
	t.widgets.updated(c.CommID, c.Data.State)
	e := &quire.WidgetUpdated{WidgetID: c.CommID, State: encode(c.Data.State)}
	if len(c.Data.BufferPaths) > 0 {
		e.Buffers = encode(buffers(c.Data.BufferPaths, msg.Buffers))
	}
	ok, mark := t.budget.take(cell, len(e.State)+len(e.Buffers))
	if !ok {
		return withMark(nil, mark)
	}
	return []quire.Event{{WidgetUpdated: e}}
}

func buffers(paths []any, data [][]byte) []buffer {
	out := make([]buffer, min(len(paths), len(data)))
	for i := range out {
		out[i] = buffer{Path: paths[i], Data: base64.StdEncoding.EncodeToString(data[i]), Encoding: "base64"}
	}
	return out
}

// updated follows an Output widget's msg_id.
func (w *widgets) updated(id string, state map[string]any) {
	if state["_model_name"] == "OutputModel" && state["_model_module"] == "@jupyter-widgets/output" && w.outputs[id] == nil {
		w.outputs[id] = &outputWidget{}
	}
	widget := w.outputs[id]
	msgID, said := state["msg_id"].(string)
	if widget == nil || !said {
		return
	}
	if widget.msgID != "" {
		w.release(widget.msgID, id)
	}
	if widget.msgID = msgID; msgID != "" {
		w.hooks[msgID] = append(w.hooks[msgID], id)
	}
}

// release takes the widget's newest hook off a request.
func (w *widgets) release(msgID, id string) {
	stack := w.hooks[msgID]
	for i, hook := range slices.Backward(stack) {
		if hook == id {
			w.hooks[msgID] = slices.Delete(stack, i, i+1)
			return
		}
	}
}

func (w *widgets) closed(id string) {
	if widget := w.outputs[id]; widget != nil {
		w.release(widget.msgID, id)
		delete(w.outputs, id)
	}
}

// capture notes what went into an Output widget, for the kernel to be told.
func (w *widgets) capture(id string, out nbformat.Output) {
	widget := w.outputs[id]
	if widget == nil {
		return
	}
	if widget.clearFirst {
		widget.outputs, widget.clearFirst = nil, false
	}
	widget.dirty = true
	if n := len(widget.outputs); n > 0 && out.Type == nbformat.StreamOutput {
		if last := &widget.outputs[n-1]; last.Type == nbformat.StreamOutput && last.Name == out.Name {
			last.Text += out.Text
			return
		}
	}
	widget.outputs = append(widget.outputs, out)
}

func (w *widgets) clear(id string, wait bool) {
	if widget := w.outputs[id]; widget != nil {
		if wait {
			widget.clearFirst = true
			return
		}
		widget.outputs, widget.dirty = nil, true
	}
}

// syncOutputWidgets tells the kernel what its Output widgets show, as a front
// end does. The kernel reads it before the next cell: both come on shell.
func (t *translator) syncOutputWidgets(ctx context.Context, k Kernel) {
	for id, widget := range t.widgets.outputs {
		if !widget.dirty {
			continue
		}
		widget.dirty = false
		outputs := widget.outputs
		if outputs == nil {
			outputs = []nbformat.Output{}
		}
		// A lost connection shows at the next Receive.
		_, _ = k.Send(ctx, jupyter.Shell, "comm_msg", map[string]any{
			"comm_id": id,
			"data":    map[string]any{"method": "update", "state": map[string]any{"outputs": outputs}, "buffer_paths": []any{}},
		})
	}
}

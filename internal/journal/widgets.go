package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"quire"
	"quire/nbformat"
)

const widgetStateType = "application/vnd.jupyter.widget-state+json"

// widgets are the Jupyter widgets of the kernel, by comm id.
type widgets struct{ byID map[string]*widget }

// widget is one widget's state, and what it has captured if it is an Output
// widget.
type widget struct {
	state    nbformat.Object
	buffers  []buffer
	byPath   map[string]int
	outputs  outputs
	captured bool // outputs stand for the state's own key
}

// buffer is binary state, as {"path": …, "data": …, "encoding": "base64"}.
type buffer struct {
	Path     json.RawMessage `json:"path"`
	Data     string          `json:"data"`
	Encoding string          `json:"encoding"`
}

func (n *Notebook) widgetUpdated(e *quire.WidgetUpdated) error {
	switch {
	case e.WidgetID == "":
		return errors.New("widget without an id")
	case e.Closed:
		if w, ok := n.widgets.byID[e.WidgetID]; ok {
			w.outputs.clear(n.displays)
			delete(n.widgets.byID, e.WidgetID)
		}
		return nil
	}
	var state nbformat.Object
	if len(e.State) > 0 {
		if err := json.Unmarshal(e.State, &state); err != nil {
			return fmt.Errorf("state of widget %.64q: %w", e.WidgetID, err)
		}
	}
	var buffers []buffer
	if len(e.Buffers) > 0 {
		if err := json.Unmarshal(e.Buffers, &buffers); err != nil {
			return fmt.Errorf("buffers of widget %.64q: %w", e.WidgetID, err)
		}
	}
	n.widget(e.WidgetID).merge(state, buffers, n.displays)
	return nil
}

// widget returns the widget of that id, making it if need be.
func (n *Notebook) widget(id string) *widget {
	w, ok := n.widgets.byID[id]
	if !ok {
		if n.widgets.byID == nil {
			n.widgets.byID = map[string]*widget{}
		}
		w = &widget{state: nbformat.Object{}, byPath: map[string]int{}}
		n.widgets.byID[id] = w
	}
	return w
}

func (w *widget) merge(state nbformat.Object, buffers []buffer, d displays) {
	maps.Copy(w.state, state)
	for _, b := range buffers {
		path := string(b.Path)
		if i, ok := w.byPath[path]; ok {
			w.buffers[i] = b
			continue
		}
		w.byPath[path] = len(w.buffers)
		w.buffers = append(w.buffers, b)
	}
	if raw, ok := state["outputs"]; ok && stringOf(w.state["_model_name"]) == "OutputModel" {
		// The kernel set them itself, e.g. by append_stdout: later output goes after these.
		w.outputs.clear(d)
		w.captured = false
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list)
		for _, item := range list {
			if out, err := parseOutput(item); err == nil {
				w.outputs.put(out, "", d)
			}
		}
	}
}

// widgetModel is a widget in the notebook's metadata.
type widgetModel struct {
	Name    json.RawMessage `json:"model_name"`
	Module  json.RawMessage `json:"model_module,omitempty"`
	Version json.RawMessage `json:"model_module_version,omitempty"`
	State   nbformat.Object `json:"state"`
	Buffers []buffer        `json:"buffers,omitempty"`
}

// metadata returns the widgets for the notebook's metadata, nil without any.
func (w *widgets) metadata() (json.RawMessage, error) {
	models := map[string]widgetModel{}
	for id, one := range w.byID {
		// Other comms than widgets have no model.
		if _, ok := one.state["_model_name"]; !ok {
			continue
		}
		state := maps.Clone(one.state)
		if one.captured {
			raw, err := json.Marshal(one.outputs.snapshot())
			if err != nil {
				return nil, err
			}
			state["outputs"] = raw
		}
		models[id] = widgetModel{
			Name:    state["_model_name"],
			Module:  state["_model_module"],
			Version: state["_model_module_version"],
			State:   state,
			Buffers: one.buffers,
		}
	}
	if len(models) == 0 {
		return nil, nil
	}
	return json.Marshal(map[string]any{
		"version_major": 2,
		"version_minor": 0,
		"state":         models,
	})
}

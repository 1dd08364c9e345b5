package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"quire"
	"quire/nbformat"
)

const widgetStateType = "application/vnd.jupyter.widget-state+json"

// widgets are the Jupyter widgets of the kernel, by comm id.
type widgets map[string]*widget

// widget is one widget's state, and what it shows if it is an Output widget.
type widget struct {
	state    nbformat.Object
	captures bool // it is an Output widget
	buffers  []buffer
	byPath   map[string]int // index in buffers
	outputs  outputs
	newer    bool // outputs are newer than the state's own
}

// buffer is a binary part of a widget's state.
type buffer struct {
	Path     json.RawMessage `json:"path"`
	Data     string          `json:"data"`
	Encoding string          `json:"encoding"`
}

func (n *Notebook) widgetUpdated(e *quire.WidgetUpdated) error {
	if e.WidgetID == "" {
		return errors.New("widget without an id")
	}
	if e.Closed {
		if w, ok := n.widgets[e.WidgetID]; ok {
			w.outputs.clear(n.displays)
			delete(n.widgets, e.WidgetID)
		}
		return nil
	}
	var state nbformat.Object
	if len(e.State) > 0 {
		var err error
		if state, err = parseObject(e.State); err != nil {
			return fmt.Errorf("state of widget %.64q: %w", e.WidgetID, err)
		}
	}
	var buffers []buffer
	if len(e.Buffers) > 0 {
		if err := json.Unmarshal(e.Buffers, &buffers); err != nil {
			return fmt.Errorf("buffers of widget %.64q: %w", e.WidgetID, err)
		}
		if tooDeep(e.Buffers) {
			return fmt.Errorf("buffers of widget %.64q: %w", e.WidgetID, errTooDeep)
		}
	}
	w, ok := n.widgets[e.WidgetID]
	if !ok {
		w = &widget{state: nbformat.Object{}, byPath: map[string]int{}}
		n.widgets[e.WidgetID] = w
	}
	w.update(state, buffers, n.displays)
	return nil
}

func (w *widget) update(state nbformat.Object, buffers []buffer, d displays) {
	maps.Copy(w.state, state)
	if name, ok := state["_model_name"]; ok {
		w.captures = string(name) == `"OutputModel"`
	}
	for _, b := range buffers {
		if len(b.Path) == 0 {
			b.Path = json.RawMessage("[]")
		}
		path := string(b.Path)
		if i, ok := w.byPath[path]; ok {
			w.buffers[i] = b
			continue
		}
		w.byPath[path] = len(w.buffers)
		w.buffers = append(w.buffers, b)
	}
	if raw, ok := state["outputs"]; ok && w.captures {
		w.setOutputs(raw, d)
	}
}

// setOutputs takes over the outputs that the kernel gave an Output widget, by
// append_stdout for one. Later output comes after them. A kernel also repeats
// what the front end has told it: what is shown as before can be updated as before.
func (w *widget) setOutputs(raw json.RawMessage, d displays) {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	before := w.outputs.list
	ids := make([]string, len(list))
	parsed := make([]nbformat.Output, len(list))
	for i, item := range list {
		out, err := parseOutput(item)
		if err != nil {
			continue
		}
		parsed[i] = out
		if i < len(before) && before[i].display != nil && equal(before[i].snapshot(), out) {
			ids[i] = before[i].display.id
		}
	}
	w.outputs.clear(d)
	for i, out := range parsed {
		w.outputs.put(out, ids[i], d)
	}
	w.newer = false
}

func equal(a, b nbformat.Output) bool {
	left, err1 := a.MarshalJSON()
	right, err2 := b.MarshalJSON()
	return err1 == nil && err2 == nil && bytes.Equal(left, right)
}

// widgetModel is a widget in the notebook's metadata.
type widgetModel struct {
	Name    json.RawMessage `json:"model_name"`
	Module  json.RawMessage `json:"model_module"`
	Version json.RawMessage `json:"model_module_version"`
	State   nbformat.Object `json:"state"`
	Buffers []buffer        `json:"buffers,omitempty"`
}

// widgetStates is what the notebook's metadata says of its widgets.
type widgetStates struct {
	Major int                    `json:"version_major"`
	Minor int                    `json:"version_minor"`
	State map[string]widgetModel `json:"state"`
}

// snapshot returns the widgets for the notebook's metadata, and whether there
// are any: other comms than widgets have no model.
func (w widgets) snapshot() (widgetStates, bool) {
	all := widgetStates{Major: 2, State: map[string]widgetModel{}}
	for id, one := range w {
		name, ok := one.state["_model_name"]
		if !ok {
			continue
		}
		state := maps.Clone(one.state)
		if one.newer {
			_ = state.Set("outputs", one.outputs.snapshot()) // every output is valid
		}
		all.State[id] = widgetModel{
			Name:    name,
			Module:  state["_model_module"],
			Version: state["_model_module_version"],
			State:   state,
			Buffers: one.buffers,
		}
	}
	return all, len(all.State) > 0
}

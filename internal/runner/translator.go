package runner

import (
	"encoding/json"

	"quire"
	"quire/jupyter"
	"quire/nbformat"
)

// translator turns iopub messages into events. It is a pure reducer: what it
// makes of a message depends on the messages before it alone.
//
// Output that arrives late, from a thread of a cell that has finished, still
// belongs to that cell.
type translator struct {
	budget   *budget
	cells    map[string]int32 // cell by the id of its execute_request
	counts   map[int32]int32  // execution count by cell, as announced on iopub
	displays map[string]bool  // display ids that have been shown
	widgets  *widgets
}

func newTranslator(b *budget) *translator {
	return &translator{
		budget: b, cells: map[string]int32{}, counts: map[int32]int32{}, displays: map[string]bool{}, widgets: newWidgets(),
	}
}

// begin ties what answers the request to the cell.
func (t *translator) begin(msgID string, cell int32) { t.cells[msgID] = cell }

// executionCount returns the count that the kernel announced for the cell, or 0.
func (t *translator) executionCount(cell int32) int32 { return t.counts[cell] }

// The parts of message contents that become events (messaging specification,
// "Messages on the IOPub (PUB/SUB) channel").
type (
	streamContent struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	displayContent struct {
		Data      map[string]any `json:"data"`
		Metadata  map[string]any `json:"metadata"`
		Count     int            `json:"execution_count"`
		Transient struct {
			DisplayID string `json:"display_id"`
		} `json:"transient"`
	}
	errorContent struct {
		Name      string   `json:"ename"`
		Value     string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}
)

// translate returns the events that a message makes: none for those that are
// not about a cell's output, and for those that cannot be read.
func (t *translator) translate(msg *jupyter.Message) []quire.Event {
	cell, ours := t.cells[msg.ParentHeader.MsgID]
	if msg.Channel != jupyter.IOPub || !ours {
		return nil
	}
	if msg.Skipped > 0 {
		return withMark(nil, t.budget.exceed(cell))
	}
	widget := t.widgets.capturing(msg.ParentHeader.MsgID)
	switch msg.Header.MsgType {
	case "execute_input":
		var c struct {
			Count int32 `json:"execution_count"`
		}
		if json.Unmarshal(msg.Content, &c) == nil {
			t.counts[cell] = c.Count
		}
	case "stream":
		return t.stream(cell, widget, msg.Content)
	case "display_data", "execute_result":
		return t.display(cell, widget, msg)
	case "update_display_data":
		var c displayContent
		if decode(msg.Content, &c) {
			return t.update(cell, c)
		}
	case "error":
		return t.raised(cell, widget, msg.Content)
	case "clear_output":
		return t.clear(cell, widget, msg.Content)
	case "comm_open", "comm_msg", "comm_close":
		return t.comm(cell, msg)
	}
	return nil
}

func (t *translator) stream(cell int32, widget string, content json.RawMessage) []quire.Event {
	var c streamContent
	if !decode(content, &c) || c.Text == "" {
		return nil
	}
	if c.Name != "stderr" {
		c.Name = "stdout" // nbformat knows no third
	}
	text, mark := t.budget.takeText(cell, c.Text)
	var events []quire.Event
	if text != "" {
		events = append(events, quire.Event{Stream: &quire.Stream{Cell: cell, WidgetID: widget, Name: c.Name, Text: text}})
		t.widgets.capture(widget, nbformat.Output{Type: nbformat.StreamOutput, Name: c.Name, Text: text})
	}
	return withMark(events, mark)
}

func (t *translator) display(cell int32, widget string, msg *jupyter.Message) []quire.Event {
	if len(msg.Content) >= large && widget == "" {
		if events, ok := t.displayLarge(cell, msg); ok {
			return events
		}
	}
	var c displayContent
	if !decode(msg.Content, &c) {
		return nil
	}
	out := nbformat.Output{Type: nbformat.DisplayData, Data: mimeBundle(c.Data), Metadata: object(c.Metadata)}
	if msg.Header.MsgType == "execute_result" {
		out.Type, out.ExecutionCount = nbformat.ExecuteResult, c.Count
	}
	id := c.Transient.DisplayID
	var events []quire.Event
	if id != "" && t.displays[id] {
		// Showing an id again also brings its earlier displays up to date.
		events = t.update(cell, c)
	}
	shown := t.output(cell, widget, id, out)
	if id != "" {
		t.displays[id] = true
	}
	return append(events, shown...)
}

// update replaces what is shown under a display id; an unknown id is ignored.
func (t *translator) update(cell int32, c displayContent) []quire.Event {
	id := c.Transient.DisplayID
	if !t.displays[id] {
		return nil
	}
	data, metadata := encode(mimeBundle(c.Data)), encode(object(c.Metadata))
	ok, mark := t.budget.take(cell, len(data)+len(metadata))
	if !ok {
		return withMark(nil, mark)
	}
	return []quire.Event{{DisplayUpdated: &quire.DisplayUpdated{DisplayID: id, Data: data, Metadata: metadata}}}
}

func (t *translator) raised(cell int32, widget string, content json.RawMessage) []quire.Event {
	var c errorContent
	if !decode(content, &c) {
		return nil
	}
	return t.output(cell, widget, "", nbformat.Output{
		Type: nbformat.ErrorOutput, ErrorName: c.Name, ErrorValue: c.Value, Traceback: c.Traceback,
	})
}

func (t *translator) output(cell int32, widget, displayID string, out nbformat.Output) []quire.Event {
	raw := encode(out)
	ok, mark := t.budget.take(cell, len(raw))
	if !ok {
		return withMark(nil, mark)
	}
	t.widgets.capture(widget, out)
	return []quire.Event{{Output: &quire.Output{Cell: cell, WidgetID: widget, DisplayID: displayID, Output: raw}}}
}

func (t *translator) clear(cell int32, widget string, content json.RawMessage) []quire.Event {
	var c struct {
		Wait bool `json:"wait"`
	}
	if !decode(content, &c) {
		return nil
	}
	t.widgets.clear(widget, c.Wait)
	return []quire.Event{{OutputCleared: &quire.OutputCleared{Cell: cell, WidgetID: widget, Wait: c.Wait}}}
}

func withMark(events []quire.Event, mark *quire.OutputCut) []quire.Event {
	if mark != nil {
		events = append(events, quire.Event{OutputCut: mark})
	}
	return events
}

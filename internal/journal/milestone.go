package journal

import (
	"bytes"
	"encoding/json"

	"quire"
)

// NextMilestone is Next for those who want to know how far an execution is and
// not what it shows: it passes over outputs, however large, without decoding
// them. What it returns, applied to a quire.Progress, makes of that what all
// events would.
func (r *Reader) NextMilestone() (quire.Event, error) {
	for {
		raw, err := r.NextRaw()
		if err != nil {
			return quire.Event{}, err
		}
		if !shows(raw) {
			return r.decode(raw)
		}
	}
}

// shows reports whether an event, as a Writer writes it, is about what a
// notebook shows. Of one that is written otherwise it says no.
func shows(raw []byte) bool {
	const longest = 128 // of what is in front of an event's body
	_, rest, ok := bytes.Cut(raw[:min(len(raw), longest)], []byte(`,"time":"`))
	if !ok {
		return false
	}
	_, rest, _ = bytes.Cut(rest, []byte(`","`))
	kind, _, _ := bytes.Cut(rest, []byte(`":`))
	switch string(kind) {
	case "stream", "output", "displayUpdated", "outputCleared", "outputCut", "widgetUpdated":
		return true
	}
	return false
}

func (r *Reader) decode(raw []byte) (quire.Event, error) {
	var e quire.Event
	if err := json.Unmarshal(raw, &e); err != nil {
		r.err = corrupt(r.offset-int64(headLen+len(raw)+1), err)
		return quire.Event{}, r.err
	}
	e.Seq = r.seq // the first one written counts, whatever the JSON says later
	return e, nil
}

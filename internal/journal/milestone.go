package journal

import (
	"bytes"
	"encoding/json"

	"quire"
)

// NextMilestone is Next for those who want to know how far an execution is and
// not what it shows or uses: it passes over outputs, however large, without
// decoding them. What it returns, applied to a quire.Progress, makes of that what all
// events would.
func (r *Reader) NextMilestone() (quire.Event, error) {
	for {
		raw, err := r.NextRaw()
		if err != nil {
			return quire.Event{}, err
		}
		if !isDetail(raw) {
			return r.decode(raw)
		}
	}
}

// isDetail reports whether an event, as a Writer writes it, is about what a
// notebook shows or uses. Of one that is written otherwise it says no.
func isDetail(raw []byte) bool {
	switch string(kindOf(raw)) {
	case "stream", "output", "displayUpdated", "outputCleared", "outputCut", "widgetUpdated", "usage":
		return true
	}
	return false
}

// kindOf returns the name of an event's body, as a Writer writes it, and nothing
// of one that is written otherwise.
func kindOf(raw []byte) []byte {
	const longest = 128 // of what is in front of an event's body
	_, rest, ok := bytes.Cut(raw[:min(len(raw), longest)], []byte(`,"time":"`))
	if !ok {
		return nil
	}
	_, rest, _ = bytes.Cut(rest, []byte(`","`))
	kind, _, _ := bytes.Cut(rest, []byte(`":`))
	return kind
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

package journal

import (
	"bytes"
	"encoding/json"
	"slices"

	"quire"
	"quire/internal/rawjson"
)

// NextMilestone is Next for those who want to know how far an execution is and
// not what it shows or uses: it passes over outputs, however large, without
// decoding them. What it returns, applied to a quire.Progress, makes of that what all
// events would.
func (r *Reader) NextMilestone() (quire.Event, error) {
	raw, err := r.next(func(seq int32, event []byte) bool { return r.wants(seq, event) && !isDetail(event) })
	if err != nil {
		return quire.Event{}, err
	}
	return r.decode(raw)
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

// decode reads an event that was given out. An output of one that has its memory
// to itself stays there.
func (r *Reader) decode(raw []byte) (quire.Event, error) {
	small, output := raw, []byte(nil)
	if r.given {
		small, output = cutOutput(raw)
	}
	var e quire.Event
	if err := json.Unmarshal(small, &e); err != nil {
		r.err = corrupt(r.offset-int64(headLen+len(raw)+1), err)
		return quire.Event{}, r.err
	}
	if output != nil && e.Output != nil {
		e.Output.Output = output
	}
	e.Seq = r.seq // the first one written counts, whatever the JSON says later
	return e, nil
}

// cutOutput returns an event's JSON with nothing in place of its output, and
// the output; or all of it where it has none.
func cutOutput(event []byte) (small, output []byte) {
	if !rawjson.Valid(event) {
		return event, nil
	}
	body, ok := rawjson.Members(event)["output"]
	if !ok {
		return event, nil
	}
	at, ok := rawjson.Members(body.Of(event))["output"]
	if !ok {
		return event, nil
	}
	start, end := body.Start+at.Start, body.Start+at.End
	return slices.Concat(event[:start], []byte("null"), event[end:]), event[start:end:end]
}

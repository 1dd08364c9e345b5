package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
)

// Of each kind of event, with texts in it that look like another's beginning.
func TestMilestones(t *testing.T) {
	trap := `","time":"x","finished":{"state":"FAILED"},"stream":`
	raw := json.RawMessage(`{"output_type":"display_data","data":{"text/plain":` + string(must(json.Marshal(trap))) + `},"metadata":{}}`)
	data := record(
		t,
		quire.Event{Started: &quire.Started{Attempt: 1, Cells: 2, Injected: &quire.InjectedCell{ID: trap, Source: trap}}},
		quire.Event{KernelStarting: &quire.KernelStarting{Kernel: trap}},
		quire.Event{KernelReady: &quire.KernelReady{Implementation: trap}},
		quire.Event{CellStarted: &quire.CellStarted{ID: trap}},
		quire.Event{Stream: &quire.Stream{Name: "stdout", Text: trap}},
		quire.Event{Output: &quire.Output{Output: raw}},
		quire.Event{Output: &quire.Output{Output: json.RawMessage(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)}},
		quire.Event{DisplayUpdated: &quire.DisplayUpdated{DisplayID: trap}},
		quire.Event{OutputCleared: &quire.OutputCleared{Wait: true}},
		quire.Event{OutputCut: &quire.OutputCut{Limit: "cell"}},
		quire.Event{WidgetUpdated: &quire.WidgetUpdated{WidgetID: trap}},
		quire.Event{Usage: &quire.Usage{CPUSeconds: 1}},
		quire.Event{CellFinished: &quire.CellFinished{ID: trap, Status: quire.CellOK}},
		quire.Event{OutputVariables: &quire.OutputVariables{Variables: []quire.Variable{{Name: "stream"}}}},
		quire.Event{Finished: &quire.Finished{State: quire.Succeeded}},
	)
	var all, some quire.Progress
	for e, err := range read(journal.NewReader(bytes.NewReader(data)).Next) {
		if err != nil {
			t.Fatal(err)
		}
		all.Apply(e)
	}
	var seen []int32
	for e, err := range read(journal.NewReader(bytes.NewReader(data)).NextMilestone) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, e.Seq)
		some.Apply(e)
	}
	if diff := cmp.Diff(all, some); diff != "" {
		t.Errorf("progress (-all +milestones):\n%s", diff)
	}
	if diff := cmp.Diff([]int32{1, 2, 3, 4, 13, 14, 15}, seen); diff != "" {
		t.Errorf("milestones (-want +got):\n%s", diff)
	}
}

// A reader of some kinds is given those alone, and of all others their numbers.
func TestOnly(t *testing.T) {
	data := record(t, scripts()["succeeds"]...)
	r := journal.NewReader(bytes.NewReader(data))
	r.Only("usage", "finished")
	r.Skip(4)
	var seen []int32
	for e, err := range read(r.Next) {
		if err != nil || e.Usage == nil && e.Finished == nil {
			t.Errorf("got %+v, %v", e, err)
		}
		seen = append(seen, e.Seq)
	}
	end := int32(len(scripts()["succeeds"]))
	if diff := cmp.Diff([]int32{7, end - 1, end}, seen); diff != "" || r.Seq() != end || int(r.Offset()) != len(data) {
		t.Errorf("at event %d, byte %d (-want +got):\n%s", r.Seq(), r.Offset(), diff)
	}
}

func read(next func() (quire.Event, error)) func(func(quire.Event, error) bool) {
	return func(yield func(quire.Event, error) bool) {
		for {
			e, err := next()
			if errors.Is(err, io.EOF) || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

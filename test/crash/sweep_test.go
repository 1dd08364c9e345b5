package crash_test

import (
	"encoding/json"
	"testing"

	"quire/internal/crash"
)

// sweep: nobody was answered. All executions are there, or there is no trace of
// them; the repeated request makes one sweep of it either way.
func sweep(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	before := len(s.executions(t))
	key := newKey()
	request := func() answer {
		return s.call(t, "POST", "/quire/v1/projects/"+s.project+"/sweeps", key, object{
			"notebook": "past.ipynb", "values": object{"a": []int{1, 2}, "b": []int{1, 2}},
		})
	}
	if a := request(); a.status != 0 {
		t.Fatalf("got %d: %s, want no answer", a.status, a.body)
	}
	s.killed(t)

	s = w.start(t, "")
	want := before
	if point == string(crash.SweepStored) {
		want += 4
	}
	if got := len(s.executions(t)); got != want {
		t.Errorf("there are %d executions, want %d", got, want)
	}
	a := request()
	var made struct{ ID string }
	if err := json.Unmarshal(a.body, &made); err != nil || a.status != 200 {
		t.Fatalf("got %d: %s, %v", a.status, a.body, err)
	}
	ids := s.executions(t)
	if len(ids) != before+4 {
		t.Errorf("there are %d executions, want %d", len(ids), before+4)
	}
	for _, id := range ids {
		s.wantStatus(t, id, "OK")
	}
	s.stop(t)
	w.audit(t)
}

var sweepPoints = append(at(crash.SweepBegin, crash.SweepFolder, crash.SweepFolders, crash.SweepStored), string(crash.SweepFolder)+":3")

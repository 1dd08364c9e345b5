package quire_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
)

// twoAttempts are the events of an execution whose first executor was lost.
func twoAttempts() []quire.Event {
	at := func(second int, e quire.Event) quire.Event {
		e.Time = time.Date(2026, 11, 24, 0, 0, second, 0, time.UTC)
		return e
	}
	lost := &quire.Failure{Kind: quire.QuireFault, Message: "lost"}
	return []quire.Event{
		at(0, quire.Event{Started: &quire.Started{Attempt: 1, Cells: 2, Price: 4}}),
		at(1, quire.Event{KernelReady: &quire.KernelReady{}}),
		at(9, quire.Event{Finished: &quire.Finished{State: quire.Failed, Failure: lost, Retry: true}}),
		at(10, quire.Event{Started: &quire.Started{Attempt: 2, Cells: 2, Price: 4}}),
		at(11, quire.Event{KernelStarting: &quire.KernelStarting{Kernel: "k", Bounds: &quire.Bounds{CPUs: 1}, Receipt: &quire.Receipt{Inputs: "i"}}}),
		at(12, quire.Event{KernelReady: &quire.KernelReady{}}),
		at(13, quire.Event{Finished: &quire.Finished{State: quire.Succeeded}}),
	}
}

func apply(p quire.Progress, events []quire.Event) quire.Progress {
	for _, e := range events {
		p.Apply(e)
	}
	return p
}

func TestProgressOfTwoAttempts(t *testing.T) {
	events := twoAttempts()
	got := apply(quire.Progress{}, events)
	want := quire.Progress{
		State: quire.Succeeded, Attempt: 2, Kernel: "k", CellsTotal: 2, Price: 4, Units: 12,
		Bounds: &quire.Bounds{CPUs: 1}, Receipt: &quire.Receipt{Inputs: "i"},
		Timing: quire.Timing{Started: events[3].Time, Environment: events[4].Time, Kernel: events[5].Time, Finished: events[6].Time},
		Attempts: []quire.Attempt{{
			Number: 1, Started: events[0].Time, Finished: events[2].Time, Failure: events[2].Finished.Failure,
		}},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

// TestProgressIsReplayed applies a journal over what was stored of it: a
// restarted server does.
func TestProgressIsReplayed(t *testing.T) {
	events := twoAttempts()
	want := apply(quire.Progress{}, events)
	for n := range events {
		stored := apply(quire.Progress{}, events[:n])
		kept := slices.Clone(stored.Attempts)
		if diff := cmp.Diff(apply(stored, events), want); diff != "" {
			t.Errorf("stored after %d events: -got +want:\n%s", n, diff)
		}
		if diff := cmp.Diff(stored.Attempts, kept); diff != "" {
			t.Errorf("the stored attempts have changed: -got +want:\n%s", diff)
		}
	}
}

func TestUnits(t *testing.T) {
	p := quire.Progress{State: quire.Running, Price: 4, Timing: quire.Timing{Started: time.Unix(100, 0)}}
	for name, tt := range map[string]struct {
		at   time.Time
		want int64
	}{
		"before":          {time.Unix(99, 0), 0},
		"at once":         {time.Unix(100, 0), 0},
		"a moment":        {time.Unix(100, 1), 4},
		"a second":        {time.Unix(101, 0), 4},
		"more":            {time.Unix(101, 1), 8},
		"a day and a bit": {time.Unix(100+86400, 1), 86401 * 4},
	} {
		if got := p.UnitsAt(tt.at); got != tt.want {
			t.Errorf("%s: got %d units, want %d", name, got, tt.want)
		}
	}
	ended := quire.Progress{State: quire.Aborted, Units: 12, Price: 4, Timing: quire.Timing{Started: time.Unix(100, 0)}}
	if got := ended.UnitsAt(time.Unix(1000, 0)); got != 12 {
		t.Errorf("got %d units of one that has ended, want 12", got)
	}
	waiting := quire.Progress{State: quire.Queued}
	if got := waiting.UnitsAt(time.Unix(1000, 0)); got != 0 {
		t.Errorf("got %d units of one that has not started, want 0", got)
	}
}

package crash_test

import (
	"slices"
	"sync"
	"testing"

	"quire/internal/crash"
)

// together is how many requests with one key arrive at once.
const together = 8

// executeTogether sends one request many times at once and returns the ids of
// the operations that were answered.
func (s *server) executeTogether(t *testing.T, key string) []string {
	t.Helper()
	answers := make([]answer, together)
	var calls sync.WaitGroup
	for i := range answers {
		calls.Go(func() { answers[i] = s.execute(t, countsNotebook, key) })
	}
	calls.Wait()
	var ids []string
	for _, a := range answers {
		if a.status != 0 { // the server died before it could answer
			ids = append(ids, a.operation(t).ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestOneKey: one key is one execution, however many requests carry it, at
// once, to a server that dies and to the next.
func TestOneKey(t *testing.T) {
	first := newWorld(t, nil)
	settle(t, first)
	for _, point := range []string{
		"",
		string(crash.SubmitFolder),
		string(crash.SubmitStored),
		string(crash.StartTold),
	} {
		t.Run("killed at "+point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, first)
			s := w.start(t, point)
			before := len(s.executions(t))
			key := newKey()
			answered := s.executeTogether(t, key)
			if point != "" {
				s.killed(t)
			} else {
				s.stop(t)
			}
			s = w.start(t, "")
			repeated := s.executeTogether(t, key)
			all := slices.Concat(answered, repeated)
			slices.Sort(all)
			if all = slices.Compact(all); len(all) != 1 {
				t.Fatalf("one key gave the executions %q, then %q", answered, repeated)
			}
			s.wantStatus(t, all[0], "OK")
			w.ranOnce(t, s, before+1)
		})
	}
}

package soak_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"quire"
)

// report gathers what a run does, what it finds and what it measures. It is
// safe for concurrent use.
type report struct {
	mu        sync.Mutex
	begun     time.Time
	seed      uint64
	round     int
	timeline  []string
	found     []string
	faults    map[faultKind]int
	missed    map[faultKind]int
	ends      map[quire.State]int
	kernels   map[quire.KernelStart]int
	attempts  int
	events    int
	broken    int // streams that ended before their time
	refused   map[string]int
	starts    int
	takenUp   []time.Duration // from a server's address to the last state that it was asked for
	stopped   []time.Duration // from SIGTERM to the server's end
	gone      []time.Duration // from an executor's death to that of its last process
	leftOut   []string
	submitted int
}

func newReport(seed uint64) *report {
	return &report{
		begun: time.Now(), seed: seed, faults: map[faultKind]int{}, missed: map[faultKind]int{},
		ends: map[quire.State]int{}, kernels: map[quire.KernelStart]int{}, refused: map[string]int{},
	}
}

// note puts a line into the timeline.
func (r *report) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timeline = append(r.timeline, fmt.Sprintf("%9.3f round %d: ", time.Since(r.begun).Seconds(), r.round)+fmt.Sprintf(format, args...))
}

// discrepancy says that something is not as it must be.
func (r *report) discrepancy(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.note("DISCREPANCY: %s", text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = append(r.found, fmt.Sprintf("round %d: %s", r.round, text))
}

func (r *report) discrepancies() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.found)
}

// count changes the report's figures.
func (r *report) count(f func(r *report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *report) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.timeline, "\n") + "\n"
}

func (r *report) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d rounds in %.0f s\n", r.seed, r.round, time.Since(r.begun).Seconds())
	fmt.Fprintf(&b, "executions: %d", r.submitted)
	for _, state := range slices.Sorted(maps.Keys(r.ends)) {
		fmt.Fprintf(&b, ", %d %s", r.ends[state], state)
	}
	fmt.Fprintf(&b, "; attempts: %d; events: %d; streams taken up again: %d\n", r.attempts, r.events, r.broken)
	b.WriteString("kernels:")
	for _, how := range slices.Sorted(maps.Keys(r.kernels)) {
		fmt.Fprintf(&b, " %d %s", r.kernels[how], how)
	}
	b.WriteByte('\n')
	total := 0
	for _, n := range r.faults {
		total += n
	}
	fmt.Fprintf(&b, "faults injected: %d\n", total)
	for _, kind := range faultKinds() {
		if n, missed := r.faults[kind], r.missed[kind]; n+missed > 0 {
			fmt.Fprintf(&b, "  %-24s %4d", kind, n)
			if missed > 0 {
				fmt.Fprintf(&b, "   (%d found nothing to break)", missed)
			}
			b.WriteByte('\n')
		}
	}
	for _, why := range slices.Sorted(maps.Keys(r.refused)) {
		fmt.Fprintf(&b, "submits refused and repeated: %d × %s\n", r.refused[why], why)
	}
	for _, left := range r.leftOut {
		fmt.Fprintf(&b, "left out: %s\n", left)
	}
	fmt.Fprintf(&b, "server starts: %d; all taken up again: %s\n", r.starts, spread(r.takenUp))
	fmt.Fprintf(&b, "ended after SIGTERM: %s\n", spread(r.stopped))
	fmt.Fprintf(&b, "processes gone after an executor's death: %s\n", spread(r.gone))
	fmt.Fprintf(&b, "discrepancies: %d\n", len(r.found))
	return b.String()
}

func spread(d []time.Duration) string {
	if len(d) == 0 {
		return "not measured"
	}
	d = slices.Sorted(slices.Values(d))
	return fmt.Sprintf("median %d ms, most %d ms", d[len(d)/2].Milliseconds(), d[len(d)-1].Milliseconds())
}

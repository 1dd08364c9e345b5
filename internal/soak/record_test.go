package soak_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"quire"
)

// record is all that a run knows of one execution. It is safe for concurrent use.
type record struct {
	submission submission
	kind       kind
	project    string

	mu        sync.Mutex
	id        string // empty before it is accepted
	asked     time.Time
	hits      []hit
	gateOpen  bool
	cancelled bool // the cancel was answered

	// What its watcher was told.
	seq       int32
	sums      []uint64 // of the events, in order
	progress  quire.Progress
	cell      int32 // the last that began; -1: none in this attempt
	retries   int   // attempts that ended to be followed by another
	finished  *quire.Finished
	silentEnd bool // the stream says that there is no more, with no Finished
	ended     time.Time
	changed   chan struct{} // closed and replaced with every change
}

func newRecord(s submission, k kind, project string) *record {
	return &record{submission: s, kind: k, project: project, cell: -1, changed: make(chan struct{})}
}

// hit is a fault that may have changed an execution's way.
type hit struct {
	fault   faultKind
	what    hitKind
	attempt int       // 0: any
	signal  string    // of a kernel that was killed
	sure    bool      // the attempt cannot have come to its own end
	from    time.Time // of a resource
	until   time.Time
}

func (h hit) String() string {
	if h.what == hindered {
		return string(h.fault)
	}
	return fmt.Sprintf("%s in attempt %d %s, sure %t", h.fault, h.attempt, h.signal, h.sure)
}

// hitKind is what a fault does to an execution.
type hitKind int

const (
	lost     hitKind = iota // the executor was killed
	died                    // the kernel was killed
	hindered                // a resource ran out
)

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%s %s", r.submission.kind, r.id)
}

func (r *record) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

// await returns when what is true, with false if ctx ends before.
func (r *record) await(ctx context.Context, what func() bool) bool {
	for {
		r.mu.Lock()
		yes, changed := what(), r.changed
		r.mu.Unlock()
		if yes {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// over reports whether the watcher has seen the end. The caller holds r.mu.
func (r *record) over() bool { return r.finished != nil || r.silentEnd }

// see takes in an event that the watcher was told.
func (r *record) see(e quire.Event) error {
	sum, err := sumOf(e)
	if err != nil {
		return err
	}
	r.change(func() {
		if e.Seq != r.seq+1 {
			err = fmt.Errorf("event %d follows event %d", e.Seq, r.seq)
		}
		r.seq = e.Seq
		r.sums = append(r.sums, sum)
		r.progress.Apply(e)
		switch {
		case e.Started != nil:
			r.cell = -1
		case e.Finished != nil && e.Finished.Retry:
			r.cell, r.retries = -1, r.retries+1
		case e.CellStarted != nil:
			r.cell = e.CellStarted.Cell
		case e.Finished != nil && !e.Finished.Retry:
			r.finished, r.ended = e.Finished, time.Now()
		}
	})
	return err
}

// sumOf tells events apart, in whatever way their JSON is written.
func sumOf(e quire.Event) (uint64, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return 0, err
	}
	if data, err = json.Marshal(v); err != nil {
		return 0, err
	}
	h := fnv.New64a()
	_, _ = h.Write(data) // a hash takes everything
	return h.Sum64(), nil
}

package imports

import (
	"slices"
	"strings"
	"sync"
	"time"

	"quire"
)

const (
	// Window is how many of a project's executions are looked back upon.
	Window = 20
	// enter is in how many of them a module must be to be chosen. It stays as
	// long as it is in one.
	enter = 3
	// maxChoice bounds a choice.
	maxChoice = 16
	// settle is the time between two changes of a choice: each costs a process
	// that imports it all.
	settle = 10 * time.Minute
	// maxProjects are remembered; of the others it is read again.
	maxProjects = 256
)

// History is what the last executions of each project have imported, and the
// choice from it. It is in memory alone: what a restart takes is read from the
// executions again. Its methods are safe for concurrent use.
type History struct {
	now func() time.Time

	mu       sync.Mutex
	projects map[quire.ProjectID]*project
	clock    int64 // counts uses
}

// project is the history of one.
type project struct {
	runs    []run // the oldest first
	chosen  []string
	before  []string // what was chosen before that
	changed time.Time
	used    int64
}

type run struct {
	id      quire.ExecutionID
	modules []string
}

// NewHistory returns an empty one. Now is nil but in tests.
func NewHistory(now func() time.Time) *History {
	if now == nil {
		now = time.Now
	}
	return &History{now: now, projects: map[quire.ProjectID]*project{}}
}

// Choice returns the modules that are worth to be imported ahead for the
// project, sorted, and those that were so before the last change. A project
// that is asked for the first time is not known: it is the caller's to Recall
// what it can.
func (h *History) Choice(id quire.ProjectID) (chosen, before []string, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, known := h.project(id)
	p.choose(h.now())
	return p.chosen, p.before, known
}

// Add notes what the project's newest execution has imported.
func (h *History) Add(id quire.ProjectID, execution quire.ExecutionID, modules []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, _ := h.project(id)
	if !p.has(execution) {
		p.runs = append(p.runs, run{execution, modules})
		p.runs = slices.Delete(p.runs, 0, max(0, len(p.runs)-Window))
	}
	p.choose(h.now())
}

// Recall notes what an execution has imported that is older than all that are
// known.
func (h *History) Recall(id quire.ProjectID, execution quire.ExecutionID, modules []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, _ := h.project(id)
	if len(p.runs) < Window && !p.has(execution) {
		p.runs = slices.Insert(p.runs, 0, run{execution, modules})
	}
}

// project returns the project's history, and forgets another's for a new one.
func (h *History) project(id quire.ProjectID) (p *project, known bool) {
	p, known = h.projects[id]
	if !known {
		p = &project{}
		if len(h.projects) >= maxProjects {
			h.forget()
		}
		h.projects[id] = p
	}
	h.clock++
	p.used = h.clock
	return p, known
}

func (h *History) forget() {
	var oldest quire.ProjectID
	var used int64
	for id, p := range h.projects {
		if used == 0 || p.used < used {
			oldest, used = id, p.used
		}
	}
	delete(h.projects, oldest)
}

func (p *project) has(id quire.ExecutionID) bool {
	return slices.ContainsFunc(p.runs, func(r run) bool { return r.id == id })
}

// choose keeps what is still imported at all, and fills the rest with what is
// imported most.
func (p *project) choose(now time.Time) {
	if p.chosen != nil && now.Sub(p.changed) < settle {
		return
	}
	counts := map[string]int{}
	for _, r := range p.runs {
		for _, module := range r.modules {
			counts[module]++
		}
	}
	var next, more []string
	for module, n := range counts {
		switch {
		case slices.Contains(p.chosen, module):
			next = append(next, module)
		case n >= enter:
			more = append(more, module)
		}
	}
	slices.SortFunc(more, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	next = append(next, more[:min(len(more), maxChoice-len(next))]...)
	slices.Sort(next)
	if !slices.Equal(next, p.chosen) {
		p.before, p.chosen, p.changed = p.chosen, next, now
	}
}

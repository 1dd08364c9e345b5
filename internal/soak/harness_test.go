package soak_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Limits of time, times the slack.
const (
	takeUpLimit = 5 * time.Second // from a server's address to the state that its executions really are in
	goneLimit   = 2 * time.Second // from an executor's death to that of all that it had started
	aliveLimit  = 5 * time.Second // for an answer while something is broken
	doneLimit   = 5 * time.Second // from an execution's last event to its operation's end
	roundLimit  = 60 * time.Second
	targetLimit = 20 * time.Second // for a target to be where a fault is to hit it
	acceptLimit = 30 * time.Second
)

func slack(d time.Duration) time.Duration { return time.Duration(float64(d) * *soakSlack) }

// harness is one run.
type harness struct {
	dir      string
	plan     *plan
	report   *report
	server   *server
	client   *client
	kinds    map[kindName]kind
	projects map[bool]string // by kind.limited

	breaking sync.Mutex // held while something is being broken

	mu       sync.Mutex
	records  []*record // of the round
	all      []*record
	windows  []hit          // resources that ran out in this round
	early    map[string]hit // what hit an execution whose submit was not answered yet
	stuck    bool
	watching sync.WaitGroup
}

func newHarness(ctx context.Context, dir, python string) (*harness, error) {
	h := &harness{dir: dir, plan: newPlan(*soakSeed, *soakFaults), kinds: kinds(), projects: map[bool]string{}, early: map[string]hit{}}
	h.report = newReport(h.plan.seed)
	var err error
	if h.server, err = newServer(dir, os.Getenv("QUIRE_BIN"), python); err != nil {
		return nil, err
	}
	if h.server.cgroup, err = newPidsCgroup(); err != nil {
		h.leaveOut(fmt.Sprintf("%s: %v", processesRunOut, err), processesRunOut)
	}
	if err := h.server.start(ctx); err != nil {
		return nil, fmt.Errorf("start the server: %w\n%s", err, h.server.lastWords(20))
	}
	token, err := os.ReadFile(h.server.data("token"))
	if err != nil {
		return nil, err
	}
	h.client = newClient(strings.TrimSpace(string(token)))
	return h, h.setUp(ctx)
}

func (h *harness) leaveOut(why string, kinds ...faultKind) {
	h.report.count(func(r *report) { r.leftOut = append(r.leftOut, why) })
	h.plan.faults = slices.DeleteFunc(h.plan.faults, func(k faultKind) bool { return slices.Contains(kinds, k) })
}

// setUp makes the projects and puts a notebook of each kind into its own.
func (h *harness) setUp(ctx context.Context) error {
	for limited, name := range map[bool]string{false: "soak", true: "soak-limited"} {
		id, err := h.client.project(ctx, name)
		if err != nil {
			return err
		}
		h.projects[limited] = id
	}
	a, err := h.client.call(ctx, http.MethodPatch, "/quire/v1/projects/"+h.projects[true]+"/runSettings", []byte(`{"cellTimeout":"2s"}`), nil)
	if err == nil {
		err = a.decode(&struct{}{})
	}
	if err != nil {
		return fmt.Errorf("set the cell timeout: %w", err)
	}
	for name, k := range h.kinds {
		notebook, err := k.notebook()
		if err != nil {
			return err
		}
		a, err := h.client.call(ctx, http.MethodPut, "/quire/v1/projects/"+h.projects[k.limited]+"/files/"+string(name)+".ipynb", notebook, nil)
		if err == nil {
			err = a.decode(&struct{}{})
		}
		if err != nil {
			return fmt.Errorf("put %s: %w", name, err)
		}
	}
	return nil
}

// hopeless reports whether something hangs, so that a further round would
// only hang, too.
func (h *harness) hopeless() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stuck
}

// run plays one round.
func (h *harness) run(ctx context.Context, r round) {
	h.report.count(func(rep *report) { rep.round = r.number })
	h.report.note("begins\n%s", r)
	ctx, cancel := context.WithCancel(ctx)
	defer h.watching.Wait()
	defer cancel()
	h.mu.Lock()
	h.records, h.windows = nil, nil
	for _, s := range r.submissions {
		k := h.kinds[s.kind]
		h.records = append(h.records, newRecord(s, k, h.projects[k.limited]))
	}
	records := slices.Clone(h.records)
	h.all = append(h.all, records...)
	h.mu.Unlock()

	h.watching.Go(func() { h.revive(ctx) })
	var playing sync.WaitGroup
	for _, rec := range records {
		playing.Go(func() { h.play(ctx, rec) })
	}
	playing.Go(func() {
		begun := time.Now()
		for _, f := range r.faults {
			if wait(ctx, f.at-time.Since(begun)) {
				h.inject(ctx, f, target(records, f))
			}
		}
		for _, rec := range records {
			h.openGate(rec)
		}
	})
	playing.Wait()
	h.awaitEnds(ctx, records)
	h.repeat(ctx, records)
	h.auditRound(ctx, records)
}

// target returns the execution that a fault is to hit: the planned one, or the
// next that still waits at its gate.
func target(records []*record, f fault) *record {
	for i := range targets {
		r := records[(f.target+i)%targets]
		r.mu.Lock()
		waits := r.atGate() && !r.over()
		r.mu.Unlock()
		if waits {
			return r
		}
	}
	return records[f.target]
}

// revive starts the server again when it has ended by itself.
func (h *harness) revive(ctx context.Context) {
	for {
		select {
		case why := <-h.server.died:
			h.report.discrepancy("%s", why)
			h.breaking.Lock()
			if !h.server.alive() {
				h.startAgain(ctx)
			}
			h.breaking.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// play submits an execution, has it watched, and cancels it where that is planned.
func (h *harness) play(ctx context.Context, r *record) {
	if !wait(ctx, r.submission.at) {
		return
	}
	id := h.submit(ctx, r)
	if id == "" {
		return
	}
	r.change(func() { r.id = id })
	h.report.count(func(rep *report) { rep.submitted++ })
	h.watching.Go(func() { h.watch(ctx, r) })
	if r.submission.kind != cancelled || !wait(ctx, r.submission.cancelAfter) {
		return
	}
	if err := h.cancel(ctx, id); err != nil {
		h.report.discrepancy("%s: cancel: %v", r, err)
	}
	r.change(func() { r.cancelled = true })
}

// cancel persists until the cancel is accepted: what is broken just now is a
// reason for a refusal.
func (h *harness) cancel(ctx context.Context, id string) error {
	for {
		a, err := h.client.persist(ctx, slack(acceptLimit), http.MethodPost, "/operations/"+id+":cancel", nil, nil)
		if err != nil || a.status == http.StatusOK {
			return err
		}
		if !h.hinderedAt(time.Now()) {
			return fmt.Errorf("status %d: %s", a.status, a.body)
		}
		if !wait(ctx, pollingStep) {
			return context.Cause(ctx)
		}
	}
}

// submit persists until the execution is accepted, and returns its id.
func (h *harness) submit(ctx context.Context, r *record) string {
	r.change(func() { r.asked = time.Now() })
	ids := make(chan string, 2)
	requests := 1
	if r.submission.twice {
		requests = 2
	}
	for range requests {
		go func() { ids <- h.submitOnce(ctx, r) }()
	}
	id := <-ids
	if requests == 2 {
		if other := <-ids; other != id {
			h.report.discrepancy("%s: two requests with one key are the operations %q and %q", r.submission.kind, id, other)
		}
	}
	return id
}

func (h *harness) submitOnce(ctx context.Context, r *record) string {
	var op operation
	var last error
	err := poll(ctx, slack(acceptLimit), func() (bool, error) {
		a, err := h.client.execute(ctx, r.project, r.submission, r.kind)
		if err == nil && a.status != http.StatusOK {
			h.refused(r, a)
			wait(ctx, 10*pollingStep)
		}
		if err == nil {
			err = a.decode(&op)
		}
		last = err
		return err == nil, nil
	})
	if err != nil {
		h.report.discrepancy("%s is not accepted: %v", r.submission.kind, errors.Join(err, last))
	}
	return op.ID
}

// refused judges the refusal of a submit: only what is broken just now is a
// reason, and it is to be said.
func (h *harness) refused(r *record, a answer) {
	var status struct {
		Code    int
		Message string
	}
	if err := json.Unmarshal(a.body, &status); err != nil {
		h.report.discrepancy("%s is refused with %d: %s", r.submission.kind, a.status, a.body)
		return
	}
	why := fmt.Sprintf("%d %s", status.Code, status.Message)
	seen := false
	h.report.count(func(rep *report) {
		seen = rep.refused[why] > 0
		rep.refused[why]++
	})
	const unavailable, internal = 14, 13
	switch {
	case seen || status.Code == unavailable:
	case !h.hinderedAt(time.Now()):
		h.report.discrepancy("%s is refused with nothing broken: %s", r.submission.kind, why)
	case status.Code == internal && h.freezing(): // see freeze
	case status.Code == internal:
		h.report.discrepancy("%s is refused with no reason a client could read: %s", r.submission.kind, why)
	}
}

// freezing reports whether the disk has only just become read-only.
func (h *harness) freezing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.windows, func(w hit) bool { return w.fault == readOnly && time.Since(w.from) < time.Second/2 })
}

// openGate lets a waiting notebook go on.
func (h *harness) openGate(r *record) {
	r.change(func() { r.gateOpen = true })
	if err := os.WriteFile(filepath.Join(h.dir, gatesFolder, r.submission.key), nil, 0o600); err != nil {
		h.report.discrepancy("the harness cannot open a gate: %v", err)
	}
}

// awaitEnds waits until every watcher has seen an end.
func (h *harness) awaitEnds(ctx context.Context, records []*record) {
	ctx, cancel := context.WithTimeout(ctx, slack(roundLimit))
	defer cancel()
	for _, r := range records {
		if r.id == "" {
			continue
		}
		if !r.await(ctx, r.over) {
			h.mu.Lock()
			h.stuck = true
			h.mu.Unlock()
			var e execution
			_ = h.client.get(ctx, time.Second, "/quire/v1/executions/"+r.id, &e) // to say more
			h.report.discrepancy("%s is stuck: the watcher knows %+v, the server says %+v; processes: %v", r, r.progress, e, processes())
		}
	}
}

// repeat sends some submits once more: they must be the same operations.
func (h *harness) repeat(ctx context.Context, records []*record) {
	for _, r := range records {
		if r.submission.again && r.id != "" {
			if id := h.submitOnce(ctx, r); id != r.id {
				h.report.discrepancy("%s: the repeated submit is the operation %q", r, id)
			}
		}
	}
}

// hinderedAt reports whether a resource was out at that time, or just before.
func (h *harness) hinderedAt(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.windows, func(w hit) bool {
		return !t.Before(w.from) && (w.until.IsZero() || t.Before(w.until.Add(recoveryLimit)))
	})
}

// keep copies what helps to understand a failure out of the namespace.
func (h *harness) keep() string {
	kept := filepath.Join(h.dir, keptFolder)
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return err.Error()
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(kept, "timeline.log"), []byte(h.report.log()), 0o600),
		copyFile(filepath.Join(h.dir, "server.log"), filepath.Join(kept, "server.log"), 0o600),
		filepath.WalkDir(h.server.data(), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(h.dir, path)
			if err != nil {
				return err
			}
			to := filepath.Join(kept, rel)
			switch {
			case d.IsDir():
				return os.MkdirAll(to, 0o700)
			case d.Type().IsRegular():
				return copyFile(path, to, 0o600)
			}
			return nil
		}),
	)
	if err != nil {
		return fmt.Sprintf("%s (not all of it: %v)", kept, err)
	}
	return kept
}

// close ends whatever is left.
func (h *harness) close() {
	if h.server.alive() {
		_ = h.server.stop(syscall.SIGKILL)
	}
	for _, p := range processes() {
		p.signal(syscall.SIGKILL)
	}
	h.server.cgroup.remove()
}

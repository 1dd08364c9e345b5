package service_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quire"
	"quire/internal/files"
	"quire/internal/service"
	"quire/internal/sqlite"
)

// house is a service with the real store and files, and with a dispatcher and
// kernels that the test plays.
type house struct {
	*service.Service
	store      *sqlite.Store
	files      *files.Store
	archive    *files.Archive
	dispatcher *dispatcher
	log        *logbook
	project    quire.ProjectID
}

// caller is who calls in the tests, without an idempotency key.
var caller = service.Call{Caller: "admin"}

const notebook = `{"nbformat":4,"nbformat_minor":5,"metadata":{"kernelspec":{"name":"python3","display_name":"Python 3"}},"cells":[
 {"cell_type":"markdown","id":"title","metadata":{},"source":"# Title"},
 {"cell_type":"code","id":"first","metadata":{},"source":"print(1)","execution_count":7,
  "outputs":[{"output_type":"stream","name":"stdout","text":"old\n"}]}]}`

func newHouse(t *testing.T, opts *service.Options) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{dispatcher: newDispatcher(), log: &logbook{waiting: map[string]chan struct{}{}}}
	if opts == nil {
		opts = &service.Options{}
	}
	opts.Logger = slog.New(h.log)
	var err error
	if h.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "quire.db"), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	if h.files, err = files.Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.files.Close() })
	if h.archive, err = files.OpenArchive(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.archive.Close() })
	h.Service = service.New(service.Parts{
		Store:      h.store,
		Deletions:  h.store,
		Files:      h.files,
		Archive:    h.archive,
		Dispatcher: h.dispatcher,
		Kernels:    kernels{"python3", "bash"},
	}, opts)
	h.project = h.newProject(t, quire.Project{Name: "sales"})
	h.put(t, "reports/sales.ipynb", notebook)
	return h
}

func (h *house) newProject(t *testing.T, p quire.Project) quire.ProjectID {
	t.Helper()
	p.CommunityID = quire.DefaultCommunity
	op, err := h.CreateProject(t.Context(), caller, p)
	if err != nil {
		t.Fatal(err)
	}
	return op.ProjectID
}

func (h *house) put(t *testing.T, path, content string) {
	t.Helper()
	if _, err := h.PutFile(t.Context(), h.project, path, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

// execute submits the notebook of every house.
func (h *house) execute(t *testing.T) quire.ExecutionID {
	t.Helper()
	op, err := h.Execute(t.Context(), caller, h.request())
	if err != nil {
		t.Fatal(err)
	}
	return quire.ExecutionID(op.ID)
}

func (h *house) request() service.ExecuteRequest {
	return service.ExecuteRequest{ProjectID: h.project, Target: "reports/sales.ipynb"}
}

// claim takes the oldest queued execution, as a dispatcher does.
func (h *house) claim(t *testing.T) quire.Execution {
	t.Helper()
	e, ok, err := h.store.ClaimQueued(t.Context(), "me", time.Now().Add(time.Hour), -1)
	if err != nil || !ok {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	return e
}

// end ends a claimed execution, as a dispatcher does.
func (h *house) end(t *testing.T, e quire.Execution, state quire.State, failed *quire.Error) {
	t.Helper()
	p := quire.Progress{State: state, Attempt: 1, Timing: quire.Timing{Finished: time.Now().UTC()}}
	if failed != nil || state == quire.Aborted {
		p.Failure = &quire.Failure{Kind: quire.Cancelled, Message: "it ended"}
	}
	if err := h.store.SaveProgress(t.Context(), e.ID, e.Claim, nil, p, failed); err != nil {
		t.Fatal(err)
	}
	h.dispatcher.forget(e.ID)
}

// logbook is a slog.Handler by which a test learns that something was done.
type logbook struct {
	slog.Handler // nil: there is nothing else to it
	mu           sync.Mutex
	waiting      map[string]chan struct{}
}

// said returns a channel that is closed when the message is logged.
func (l *logbook) said(message string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[message] = make(chan struct{})
	return l.waiting[message]
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ch := l.waiting[r.Message]; ch != nil {
		close(ch)
		delete(l.waiting, r.Message)
	}
	return nil
}

type kernels []string

func (k kernels) Check(name string) error {
	if slices.Contains(k, name) {
		return nil
	}
	return quire.Invalid("kernel", "there is no kernel %q; there are %s", name, strings.Join(k, ", "))
}

// dispatcher holds to the contract of service.Dispatcher and runs nothing.
type dispatcher struct {
	mu        sync.Mutex
	woken     int
	cancelled []quire.ExecutionID
	onCancel  func(quire.ExecutionID)
	onLive    func() // before the answer, if set
	live      map[quire.ExecutionID]*liveExecution
	claimed   chan struct{}
	asked     chan quire.ExecutionID // told of every question for a journal, if there is room
}

type liveExecution struct {
	progress quire.Progress
	durable  int64
	changed  chan struct{}
}

func newDispatcher() *dispatcher {
	return &dispatcher{
		live:    map[quire.ExecutionID]*liveExecution{},
		claimed: make(chan struct{}),
		asked:   make(chan quire.ExecutionID, 1000),
	}
}

func (d *dispatcher) Wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.woken++
}

func (d *dispatcher) Cancel(id quire.ExecutionID) {
	d.mu.Lock()
	d.cancelled = append(d.cancelled, id)
	f := d.onCancel
	d.mu.Unlock()
	if f != nil {
		f(id)
	}
}

func (d *dispatcher) Live(id quire.ExecutionID) (quire.Progress, bool) {
	if d.onLive != nil {
		d.onLive()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.live[id]; l != nil {
		return l.progress, true
	}
	return quire.Progress{}, false
}

func (d *dispatcher) Journal(id quire.ExecutionID) (int64, bool, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case d.asked <- id:
	default:
	}
	if l := d.live[id]; l != nil {
		return l.durable, true, l.changed
	}
	return 0, false, d.claimed
}

// attend makes an execution live, or tells more of one that is.
func (d *dispatcher) attend(id quire.ExecutionID, durable int64, p quire.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.live[id]; l != nil {
		close(l.changed)
	}
	d.live[id] = &liveExecution{progress: p, durable: durable, changed: make(chan struct{})}
	close(d.claimed)
	d.claimed = make(chan struct{})
}

// forget lets go of an execution.
func (d *dispatcher) forget(id quire.ExecutionID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.live[id]; l != nil {
		delete(d.live, id)
		close(l.changed)
	}
}

// wantCode fails unless err has the code and, where field is not empty, names it.
func wantCode(t *testing.T, err error, code quire.Code, field, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one with %q", message)
	}
	if got := quire.CodeOf(err); got != code {
		t.Errorf("got code %d of %v, want %d", got, err, code)
	}
	text := err.Error()
	if !strings.Contains(text, field) || !strings.Contains(text, message) {
		t.Errorf("got %q, want %q and %q in it", text, field, message)
	}
}

package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"quire"
	"quire/internal/dispatch"
	"quire/internal/journal"
	"quire/internal/service"
	"quire/internal/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend runs no executors: the test says what they journal and when they end.
type backend struct {
	started chan *fakeExecutor
	faults  faults

	mu    sync.Mutex
	byDir map[string]*fakeExecutor
}

// fakeExecutor is an executor whose journal the test writes.
type fakeExecutor struct {
	job     quire.Job
	w       *journal.Writer
	stopped chan quire.Failure
	cleaned chan struct{}

	mu      sync.Mutex
	size    int64
	gone    bool
	changed chan struct{}
}

func (b *backend) Start(_ context.Context, job quire.Job) (quire.Handle, error) {
	if err := b.faults.next("Start"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	running := b.byDir[job.Dir]
	b.mu.Unlock()
	if running != nil && running.job.Attempt == job.Attempt {
		return json.Marshal(job.Dir)
	}
	x := &fakeExecutor{job: job, changed: make(chan struct{}), stopped: make(chan quire.Failure, 10), cleaned: make(chan struct{}, 10)}
	var err error
	x.w, err = journal.Open(job.JournalPath(), &journal.WriterOptions{Durable: x.durable})
	if err != nil {
		return nil, err
	}
	if err := x.w.Append(quire.Event{Started: &quire.Started{Attempt: int32(job.Attempt), Cells: 1, Price: int32(job.Terms.Spec.UnitsPerSecond)}}); err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.byDir[job.Dir] = x
	b.mu.Unlock()
	b.started <- x
	return json.Marshal(job.Dir)
}

func (b *backend) find(h quire.Handle) *fakeExecutor {
	var dir string
	if json.Unmarshal(h, &dir) != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byDir[dir]
}

func (b *backend) Follow(ctx context.Context, h quire.Handle, durable func(int64)) error {
	if err := b.faults.next("Follow"); err != nil {
		return err
	}
	x := b.find(h)
	if x == nil {
		return dispatch.ErrExecutorGone
	}
	for {
		x.mu.Lock()
		size, gone, changed := x.size, x.gone, x.changed
		x.mu.Unlock()
		durable(size)
		if gone {
			if f := x.w.Finished(); f == nil || f.Retry {
				return dispatch.ErrExecutorGone
			}
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *backend) Stop(_ context.Context, h quire.Handle, why quire.Failure) error {
	if err := b.faults.next("Stop"); err != nil {
		return err
	}
	b.find(h).stopped <- why
	return nil
}

func (b *backend) Clean(_ context.Context, h quire.Handle) error {
	x := b.find(h)
	if x == nil {
		return errors.New("the handle is none")
	}
	x.cleaned <- struct{}{}
	return nil
}

func (x *fakeExecutor) durable(size int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.size = size
	x.announce()
}

func (x *fakeExecutor) announce() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// tell journals events, and returns when they are durable.
func (x *fakeExecutor) tell(t *testing.T, events ...quire.Event) {
	t.Helper()
	for _, e := range events {
		if err := x.w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// end ends the executor, after its last event if state is not empty.
func (x *fakeExecutor) end(t *testing.T, state quire.State) {
	t.Helper()
	if state != "" {
		x.tell(t, quire.Event{Finished: &quire.Finished{State: state}})
	}
	if err := x.w.Close(); err != nil {
		t.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.gone = true
	x.announce()
}

// jobs puts each execution's folder below dir.
type jobs struct{ dir string }

func (j jobs) Job(_ context.Context, e quire.Execution) (quire.Job, error) {
	return quire.Job{ExecutionID: e.ID, Attempt: e.Attempt + 1, Dir: filepath.Dir(j.JournalPath(e.ID)), Terms: e.Terms}, nil
}

func (j jobs) JournalPath(id quire.ExecutionID) string {
	return quire.Job{Dir: filepath.Join(j.dir, string(id))}.JournalPath()
}

// house is a dispatcher with its store and its backend.
type house struct {
	*dispatch.Dispatcher
	t       *testing.T
	store   *sqlite.Store
	faults  faults // of the store, as the dispatcher sees it
	backend *backend
	jobs    jobs
	stop    func() // ends Run and waits for it
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "quire.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	p := quire.Project{ID: "p", CommunityID: quire.DefaultCommunity, Name: "p"}
	if _, err := store.CreateProject(t.Context(), p, quire.Operation{ID: "op", Kind: quire.OpCreateProject, Done: true}); err != nil {
		t.Fatal(err)
	}
	h := &house{
		t: t, store: store, jobs: jobs{dir},
		backend: &backend{started: make(chan *fakeExecutor, 100), byDir: map[string]*fakeExecutor{}},
	}
	h.run(2)
	return h
}

// run starts a dispatcher, the first or the next one.
func (h *house) run(maxRunning int) { h.runWith(dispatch.Options{MaxRunning: maxRunning}) }

func (h *house) runWith(opts dispatch.Options) {
	opts.Retry, opts.Meter = time.Millisecond, time.Millisecond
	h.Dispatcher = dispatch.New(&faultyStore{h.store, &h.faults}, h.backend, h.jobs, &opts)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	d := h.Dispatcher
	running.Go(func() { d.Run(ctx) })
	h.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	h.t.Cleanup(h.stop)
}

// price is what the house's executions cost, in units per second.
const price = 100

// submit queues an execution.
func (h *house) submit() quire.ExecutionID {
	h.t.Helper()
	return h.submitOn(quire.Terms{Spec: quire.Spec{UnitsPerSecond: price}})
}

func (h *house) submitOn(terms quire.Terms) quire.ExecutionID {
	h.t.Helper()
	id := quire.ExecutionID(quire.NewID())
	if err := mkdir(filepath.Join(h.jobs.dir, string(id))); err != nil {
		h.t.Fatal(err)
	}
	e := quire.Execution{ID: id, ProjectID: "p", Terms: terms}
	if _, err := h.store.CreateExecution(h.t.Context(), e, quire.Operation{ID: quire.OperationID(id), Kind: quire.OpExecute, ProjectID: "p"}, service.QueueLimits{}); err != nil {
		h.t.Fatal(err)
	}
	h.Wake()
	return id
}

func (h *house) cancel(id quire.ExecutionID) {
	h.t.Helper()
	if _, err := h.store.RequestCancel(h.t.Context(), id); err != nil {
		h.t.Fatal(err)
	}
	h.Cancel(id)
}

// next returns the executor that is started next.
func (h *house) next() *fakeExecutor {
	h.t.Helper()
	select {
	case x := <-h.backend.started:
		return x
	case <-time.After(10 * time.Second):
		h.t.Fatal("no executor is started")
		return nil
	}
}

// await follows the execution, as a watcher does, until it has the state.
func (h *house) await(id quire.ExecutionID, want quire.State) quire.Execution {
	h.t.Helper()
	late := time.After(10 * time.Second)
	for {
		_, live, changed := h.Journal(id)
		e, err := h.store.Execution(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		if p, ok := h.Live(id); ok && !want.Ended() {
			e.Progress = p
		}
		if e.State == want {
			return e
		}
		if !live && e.State.Ended() {
			h.t.Fatalf("%s ended as %s %+v, want %s", id, e.State, e.Failure, want)
		}
		select {
		case <-changed:
		case <-late:
			h.t.Fatalf("%s stays %s, want %s", id, e.State, want)
		}
	}
}

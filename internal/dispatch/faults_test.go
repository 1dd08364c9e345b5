package dispatch_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"quire"
	"quire/internal/dispatch"
	"quire/internal/sqlite"
)

var errFault = errors.New("a fault that the test has made")

// faults makes the next calls of a method fail.
type faults struct {
	mu   sync.Mutex
	left map[string]int
	hit  chan string           // told of each fault, if there is room
	then map[string]func(bool) // called after the method, with whether it failed
}

// inject lets the method's next n calls fail, and returns a channel on which
// each of these failures is told.
func (f *faults) inject(method string, n int) <-chan string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = map[string]int{}
	}
	if f.hit == nil {
		f.hit = make(chan string, 1000)
	}
	f.left[method] = n
	return f.hit
}

// after calls do, once, when the method's next call has done its work.
func (f *faults) after(method string, do func(failed bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.then == nil {
		f.then = map[string]func(bool){}
	}
	f.then[method] = do
}

func (f *faults) next(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left[method] == 0 {
		return nil
	}
	f.left[method]--
	select {
	case f.hit <- method:
	default:
	}
	return errFault
}

func (f *faults) done(method string, err error) {
	f.mu.Lock()
	do := f.then[method]
	delete(f.then, method)
	f.mu.Unlock()
	if do != nil {
		do(err != nil)
	}
}

// faultyStore is the real store, with faults.
type faultyStore struct {
	store  *sqlite.Store
	faults *faults
}

var _ dispatch.Store = (*faultyStore)(nil)

func (s *faultyStore) ClaimQueued(ctx context.Context, owner string, until time.Time, maxRunning int) (quire.Execution, bool, error) {
	if err := s.faults.next("ClaimQueued"); err != nil {
		return quire.Execution{}, false, err
	}
	e, ok, err := s.store.ClaimQueued(ctx, owner, until, maxRunning)
	if ok {
		s.faults.done("ClaimQueued", err)
	}
	return e, ok, err
}

func (s *faultyStore) ClaimExecution(ctx context.Context, id quire.ExecutionID, owner string, until time.Time) (quire.Execution, bool, error) {
	if err := s.faults.next("ClaimExecution"); err != nil {
		return quire.Execution{}, false, err
	}
	return s.store.ClaimExecution(ctx, id, owner, until)
}

// ClaimAbandoned fails after it has done its work: the answer is lost.
func (s *faultyStore) ClaimAbandoned(ctx context.Context, owner string, now, until time.Time) ([]quire.Execution, error) {
	found, err := s.store.ClaimAbandoned(ctx, owner, now, until)
	if fault := s.faults.next("ClaimAbandoned"); fault != nil {
		return nil, fault
	}
	return found, err
}

func (s *faultyStore) RenewClaims(ctx context.Context, owner string, until time.Time) error {
	return s.store.RenewClaims(ctx, owner, until)
}

func (s *faultyStore) Budget(ctx context.Context, id quire.ProjectID, since time.Time) (quire.Budget, error) {
	return s.store.Budget(ctx, id, since)
}

func (s *faultyStore) Cancelled(ctx context.Context) ([]quire.ExecutionID, error) {
	if err := s.faults.next("Cancelled"); err != nil {
		return nil, err
	}
	return s.store.Cancelled(ctx)
}

func (s *faultyStore) SaveProgress(ctx context.Context, id quire.ExecutionID, claim quire.Claim, handle quire.Handle, p quire.Progress, failed *quire.Error) error {
	if err := s.faults.next("SaveProgress " + string(p.State)); err != nil {
		return err
	}
	err := s.store.SaveProgress(ctx, id, claim, handle, p, failed)
	s.faults.done("SaveProgress "+string(p.State), err)
	return err
}

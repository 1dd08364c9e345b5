package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxGroup bounds the changes that share a transaction: the first of them waits
// for the last.
const maxGroup = 64

// group gathers the changes that come while a transaction is under way; the
// next one takes them all. So they share the wait for the disk, which is most
// of what a small change takes.
type group struct {
	lead chan struct{} // holds a value while somebody leads: runs a transaction for all that wait

	mu      sync.Mutex
	waiting []*change
}

// change is one caller's part of a shared transaction.
type change struct {
	ctx  context.Context //nolint:containedctx // its caller waits for it
	f    func(tx *sql.Tx) error
	err  error         // set before done is closed
	done chan struct{} // closed when the change is on disk, or never will be
}

// together is write for a change that may share its transaction with others.
// They see what those before them have changed, and one that fails takes back
// its own part alone. F may be called twice, the second time after all that it
// did has been taken back.
func (s *Store) together(ctx context.Context, f func(tx *sql.Tx) error) error {
	c := &change{ctx: ctx, f: f, done: make(chan struct{})}
	s.group.mu.Lock()
	s.group.waiting = append(s.group.waiting, c)
	s.group.mu.Unlock()
	for {
		select {
		case <-c.done:
			return c.err
		case s.group.lead <- struct{}{}:
			s.commit(s.group.take())
			<-s.group.lead
		}
	}
}

// take returns the changes that have waited longest.
func (g *group) take() []*change {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxGroup)
	taken := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return taken
}

// commit brings the changes to disk and tells their callers.
func (s *Store) commit(changes []*change) {
	if len(changes) > 1 && s.commitAll(changes) {
		return
	}
	for _, c := range changes {
		c.err = s.write(c.ctx, c.f)
		close(c.done)
	}
}

// commitAll makes the changes in one transaction. It returns false, and has
// told nobody and changed nothing, where SQLite has given the transaction up.
func (s *Store) commitAll(changes []*change) bool {
	// It is no one caller's: the others need it when that one has gone.
	ctx := context.WithoutCancel(changes[0].ctx)
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, c := range changes {
			if err := c.part(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errGivenUp) {
		return false
	}
	for _, c := range changes {
		if c.err == nil {
			c.err = err
		}
		close(c.done)
	}
	return true
}

// errGivenUp says that SQLite has rolled a whole transaction back: so it does
// where the disk is full, or when a statement is interrupted.
var errGivenUp = errors.New("the transaction was rolled back")

// part makes the change in tx, or sets its error and leaves tx as it was.
func (c *change) part(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT part"); err != nil {
		return errGivenUp
	}
	if c.err = context.Cause(c.ctx); c.err == nil {
		c.err = shortage(c.f(tx))
	}
	end := "RELEASE part"
	if c.err != nil {
		end = "ROLLBACK TO part; RELEASE part"
	}
	if _, err := tx.ExecContext(ctx, end); err != nil {
		return errGivenUp
	}
	return nil
}

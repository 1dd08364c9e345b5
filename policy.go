package quire

import (
	"cmp"
	"time"
)

// Policy says what a project may take of the server, and how long what it ran
// is kept. A zero field means "not set here", as in RunSettings; a negative
// one means no limit.
type Policy struct {
	MaxRunning  int           `json:"maxRunning,omitempty"`  // executions at a time
	MaxQueued   int           `json:"maxQueued,omitempty"`   // executions that wait; one more is refused
	Priority    int           `json:"priority,omitempty"`    // a project with a greater one goes first; may be negative
	MaxAttempts int           `json:"maxAttempts,omitempty"` // of an execution that Quire itself loses; 1 means no retry
	KeepFor     time.Duration `json:"keepFor,omitempty"`     // from the end of an execution to its removal
	KeepLast    int           `json:"keepLast,omitempty"`    // ended executions that are kept, the newest
	NoLearning  bool          `json:"noLearning,omitempty"`  // what the notebooks import is not learned
}

// The bounds of priorities, of projects and of executions.
const (
	MinPriority = -100
	MaxPriority = 100
)

// DefaultPolicy is in force where neither project nor server says otherwise.
func DefaultPolicy() Policy {
	return Policy{MaxRunning: -1, MaxQueued: 20_000, MaxAttempts: 3, KeepFor: -1, KeepLast: -1}
}

// Or returns p with every unset field taken from base.
func (p Policy) Or(base Policy) Policy {
	return Policy{
		MaxRunning:  cmp.Or(p.MaxRunning, base.MaxRunning),
		MaxQueued:   cmp.Or(p.MaxQueued, base.MaxQueued),
		Priority:    cmp.Or(p.Priority, base.Priority),
		MaxAttempts: cmp.Or(p.MaxAttempts, base.MaxAttempts),
		KeepFor:     cmp.Or(p.KeepFor, base.KeepFor),
		KeepLast:    cmp.Or(p.KeepLast, base.KeepLast),
		NoLearning:  cmp.Or(p.NoLearning, base.NoLearning),
	}
}

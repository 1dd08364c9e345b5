package quire

// State is where an execution is in its life.
//
//	QUEUED ──▶ STARTING ──▶ RUNNING ──▶ SUCCEEDED | FAILED | ABORTED
//	   │           │            ▲
//	   └───────────┴────────────┘ any state before the end may go to FAILED or
//	                              ABORTED; a retried attempt goes back to QUEUED
type State string

// The states.
const (
	Queued    State = "QUEUED"    // accepted, no executor yet
	Starting  State = "STARTING"  // an executor is preparing the kernel
	Running   State = "RUNNING"   // the kernel answered, cells run
	Succeeded State = "SUCCEEDED" // every cell that had to run did
	Failed    State = "FAILED"    // a cell raised, the kernel died, or Quire failed
	Aborted   State = "ABORTED"   // cancelled, or stopped by a limit
)

// States lists every state, in the order of a life.
func States() []State {
	return []State{Queued, Starting, Running, Succeeded, Failed, Aborted}
}

// Ended reports whether s is final.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Aborted }

package quire

import (
	"encoding/json"
	"time"
)

// ExecutionID identifies an execution; it is also its operation's id.
type ExecutionID string

// Target is what an execution runs: a notebook, or one cell of it.
type Target struct {
	Notebook string `json:"notebook"`         // slash-separated, relative to the project
	Cell     string `json:"cell,omitempty"`   // nbformat 4.5 cell id; empty means all cells
	Given    string `json:"given"`            // notebook_id or cell_id as the client wrote it
	ByCell   bool   `json:"byCell,omitempty"` // the client used the deprecated cell_id field
}

// Execution is one run of a notebook in a project.
type Execution struct {
	ID               ExecutionID
	ProjectID        ProjectID
	Target           Target
	Inputs           map[string]any // JSON values: nil, bool, json.Number, string, []any, map[string]any
	OutputNames      []string
	Spec             string
	SparkConnectorID string
	Run              RunSettings // as resolved at submission
	Terms            Terms
	Priority         int         // among its project's; the greatest goes first
	RetryOf          ExecutionID // the execution whose notebook and inputs this one repeats
	Origin           Origin
	CreatedBy        string
	CreatedAt        time.Time

	Progress

	CancelRequestedAt time.Time // zero: not asked to stop
	Claim             Claim
	Handle            Handle // where it runs; empty before the start
}

// Claim is a dispatcher's lease on an execution. Token grows with every claim:
// a write under an older token is refused, so that an owner that was given up
// for dead cannot write over its successor.
type Claim struct {
	Owner string
	Token int64
	Until time.Time
}

// Handle is a backend's own serialised reference to a started executor,
// enough to find it again after the server was restarted.
type Handle = json.RawMessage

// Progress is how far an execution is. It is derived from the execution's
// events alone, by Apply.
type Progress struct {
	State      State
	Attempt    int // 1 for the first; 0 before it
	Kernel     string
	CellsTotal int // code cells that this run is to execute
	CellsDone  int // those that have finished, in whatever way
	Timing     Timing
	Outputs    []Variable // in the order asked for; nil before the end
	Failure    *Failure   // why the state is FAILED or ABORTED, else nil
	Attempts   []Attempt  // those before this one, which Quire lost
	Bounds     *Bounds    // nil before the kernel is started
	Receipt    *Receipt   // nil before the kernel is started
	Price      int        // units per second
	Units      int64      // what the execution has cost; 0 before the end, see UnitsAt
}

// Timing holds the moments of an execution; a zero time has not come yet.
type Timing struct {
	Started     time.Time // an executor took it up: end of the queue
	Environment time.Time // its environment is there, the kernel is being started
	Kernel      time.Time // the kernel answered
	Finished    time.Time
}

// ExecutionFilter narrows a list of executions, which is ordered newest first.
type ExecutionFilter struct {
	ProjectID ProjectID
	State     State      // empty: every state
	Schedule  ScheduleID // empty: whatever has started it
	Sweep     SweepID
	Page      Page
}

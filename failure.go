package quire

// FailureKind says whose fault an execution's end was.
type FailureKind string

// The kinds of failure.
const (
	CellFailed FailureKind = "cell"   // a cell raised: FAILED
	KernelDied FailureKind = "kernel" // the kernel ended by itself: FAILED
	Limited    FailureKind = "limit"  // a limit stopped it: ABORTED
	Cancelled  FailureKind = "cancel" // somebody stopped it: ABORTED
	QuireFault FailureKind = "quire"  // Quire could not run it: FAILED, the operation has an error
)

// Failure says why an execution did not succeed.
type Failure struct {
	Kind        FailureKind `json:"kind"`
	Message     string      `json:"message"`                           // one sentence, for a person
	Cell        *int        `json:"cell,omitempty"`                    // index in the executed notebook of the cell concerned
	CellID      string      `json:"cellId,omitempty"`                  // its nbformat id, where it has one
	ErrorName   string      `json:"errorName,omitempty"`               // the exception's class (CellFailed)
	ErrorValue  string      `json:"errorValue,omitempty"`              // the exception's message (CellFailed)
	Traceback   []string    `json:"traceback,omitempty"`               // as the kernel sent it, ANSI colours included
	Signal      string      `json:"signal,omitempty"`                  // e.g. SIGKILL (KernelDied)
	ExitStatus  *int        `json:"exitStatus,omitempty"`              // of the kernel's process (KernelDied)
	Limit       string      `json:"limit,omitempty"`                   // cell_timeout, run_timeout, … (Limited)
	PeakMemory  int64       `json:"peakMemoryBytes,string,omitempty"`  // most that the notebook's processes used at a time, where it was measured (KernelDied)
	MemoryLimit int64       `json:"memoryLimitBytes,string,omitempty"` // set where the system killed a process for exceeding it
}

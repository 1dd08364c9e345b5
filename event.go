package quire

import (
	"encoding/json"
	"time"
)

// Event is one entry of an execution's journal: exactly one of the pointers is
// set. Events are numbered from 1 without gaps over all attempts, and the JSON
// form is at once the journal's line, the server-sent event's data and the
// proto JSON of quire.v1.Event.
//
// A cell's index counts all cells of the executed notebook from 0, an injected
// parameters cell included.
type Event struct {
	Seq  int32     `json:"seq"`
	Time time.Time `json:"time"`

	Started             *Started             `json:"started,omitempty"`
	EnvironmentProgress *EnvironmentProgress `json:"environmentProgress,omitempty"`
	KernelStarting      *KernelStarting      `json:"kernelStarting,omitempty"`
	KernelReady         *KernelReady         `json:"kernelReady,omitempty"`
	CellStarted         *CellStarted         `json:"cellStarted,omitempty"`
	Stream              *Stream              `json:"stream,omitempty"`
	Output              *Output              `json:"output,omitempty"`
	DisplayUpdated      *DisplayUpdated      `json:"displayUpdated,omitempty"`
	OutputCleared       *OutputCleared       `json:"outputCleared,omitempty"`
	OutputCut           *OutputCut           `json:"outputCut,omitempty"`
	WidgetUpdated       *WidgetUpdated       `json:"widgetUpdated,omitempty"`
	CellFinished        *CellFinished        `json:"cellFinished,omitempty"`
	OutputVariables     *OutputVariables     `json:"outputVariables,omitempty"`
	Usage               *Usage               `json:"usage,omitempty"`
	Finished            *Finished            `json:"finished,omitempty"`
}

// Started opens an attempt: all that an earlier attempt put into the notebook
// is gone.
type Started struct {
	Attempt  int32         `json:"attempt"`
	Cells    int32         `json:"cells"` // code cells that will be executed
	Injected *InjectedCell `json:"injected,omitempty"`
	Price    int32         `json:"unitsPerSecond,omitempty"` // of the spec
}

// InjectedCell is the parameters cell that is put into the executed notebook.
type InjectedCell struct {
	Index  int32  `json:"index"` // where it stands in the executed notebook
	ID     string `json:"id,omitempty"`
	Source string `json:"source"`
}

// EnvironmentProgress says how far the making of the notebook's Python
// environment is. There is none where the environment was there already.
type EnvironmentProgress struct {
	Phase   EnvironmentPhase `json:"phase"`
	Package string           `json:"package,omitempty"` // the one that is fetched, or has just been
	Done    int32            `json:"done,omitempty"`    // packages that are known to be there
	Total   int32            `json:"total,omitempty"`
}

// KernelStarting says that the environment is there and the kernel is launched.
type KernelStarting struct {
	Kernel  string   `json:"kernel"` // kernelspec name
	Bounds  *Bounds  `json:"bounds,omitempty"`
	Receipt *Receipt `json:"receipt,omitempty"`
}

// KernelReady says that the kernel answered a kernel_info_request.
type KernelReady struct {
	Implementation  string          `json:"implementation,omitempty"`
	ProtocolVersion string          `json:"protocolVersion,omitempty"`
	LanguageInfo    json.RawMessage `json:"languageInfo,omitempty"` // kernel_info_reply.language_info
	Start           KernelStart     `json:"start,omitempty"`
}

// KernelStart is how a kernel came to be.
type KernelStart string

// The ways in which kernels start.
const (
	ColdStart   KernelStart = "cold"   // by the kernelspec's command
	ForkedStart KernelStart = "forked" // as the copy of a warm interpreter
	ReadyStart  KernelStart = "ready"  // one way or the other, before there was the execution
)

// CellStarted says that a cell's execute_request was sent.
type CellStarted struct {
	Cell int32  `json:"cell"`
	ID   string `json:"id,omitempty"`
}

// Stream is text on a cell's stdout or stderr, as sent: carriage returns and
// backspaces are for the reducer.
type Stream struct {
	Cell     int32  `json:"cell"`
	WidgetID string `json:"widgetId,omitempty"` // set: goes into that Output widget, not into the cell
	Name     string `json:"name"`               // stdout or stderr
	Text     string `json:"text"`
}

// Output is an nbformat output of type display_data, execute_result or error.
type Output struct {
	Cell      int32           `json:"cell"`
	WidgetID  string          `json:"widgetId,omitempty"`
	DisplayID string          `json:"displayId,omitempty"` // later DisplayUpdated events may replace its data
	Output    json.RawMessage `json:"output"`
}

// DisplayUpdated replaces data and metadata of every output, in any cell, that
// was shown under DisplayID.
type DisplayUpdated struct {
	DisplayID string          `json:"displayId"`
	Data      json.RawMessage `json:"data"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

// OutputCleared empties a cell's outputs, at once or with the next output.
type OutputCleared struct {
	Cell     int32  `json:"cell"`
	WidgetID string `json:"widgetId,omitempty"`
	Wait     bool   `json:"wait,omitempty"`
}

// OutputCut marks where a cell's output was cut because it exceeded a limit.
type OutputCut struct {
	Cell  int32  `json:"cell"`
	Limit string `json:"limit"`           // cell or notebook
	Bytes string `json:"bytes,omitempty"` // the limit that was exceeded, decimal
}

// WidgetUpdated carries a part of a widget's state: keys replace those before.
type WidgetUpdated struct {
	WidgetID string          `json:"widgetId"` // the comm id
	Closed   bool            `json:"closed,omitempty"`
	State    json.RawMessage `json:"state,omitempty"`   // the keys that changed
	Buffers  json.RawMessage `json:"buffers,omitempty"` // [{"path": […], "data": base64, "encoding": "base64"}, …]
}

// CellStatus says how a cell ended.
type CellStatus string

// The ways a cell ends. A cell that never started has no event at all.
const (
	CellOK          CellStatus = "ok"
	CellError       CellStatus = "error"       // it raised
	CellInterrupted CellStatus = "interrupted" // cancelled or stopped by a limit while it ran
	CellLost        CellStatus = "lost"        // the kernel died while it ran
	CellSkipped     CellStatus = "skipped"     // tagged skip-execution
)

// CellFinished closes a cell.
type CellFinished struct {
	Cell           int32             `json:"cell"`
	ID             string            `json:"id,omitempty"`
	Status         CellStatus        `json:"status"`
	Tolerated      bool              `json:"tolerated,omitempty"`      // it raised and was allowed to: the run goes on
	ExecutionCount int32             `json:"executionCount,omitempty"` // as the kernel counted; 0 is unknown
	ErrorName      string            `json:"errorName,omitempty"`
	ErrorValue     string            `json:"errorValue,omitempty"`
	Traceback      []string          `json:"traceback,omitempty"`
	Timing         map[string]string `json:"timing,omitempty"` // for the cell's metadata.execution: iopub.status.busy, …
}

// OutputVariables carries the values read from the kernel after the last cell.
type OutputVariables struct {
	Variables []Variable `json:"variables"`
}

// Usage is what the execution's processes use, the kernel's and those that it
// has started. It comes again and again while the kernel runs, ever more seldom.
type Usage struct {
	CPUSeconds  float64 `json:"cpuSeconds"`                       // of processor time, used so far
	MemoryBytes int64   `json:"memoryBytes,string"`               // in use now, without what the system keeps of files and can give up
	PeakMemory  int64   `json:"peakMemoryBytes,string,omitempty"` // the most that there was at a time, of files too; 0 is unknown
}

// Finished ends the execution. Nothing follows it, except a new attempt's
// Started where Retry is set.
type Finished struct {
	State   State    `json:"state"` // SUCCEEDED, FAILED or ABORTED
	Failure *Failure `json:"failure,omitempty"`
	Retry   bool     `json:"retry,omitempty"` // Quire will try again from the start
}

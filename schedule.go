package quire

import "time"

// ScheduleID identifies a schedule.
type ScheduleID string

// Schedule executes a notebook again and again: at the times of a cron
// expression in a time zone, or once an interval.
type Schedule struct {
	ID        ScheduleID
	ProjectID ProjectID
	Name      string // 1–63 characters
	Timing    ScheduleTiming
	Work      ScheduledWork
	CatchUp   CatchUp
	Overlap   Overlap
	Paused    bool
	CreatedBy string
	CreatedAt time.Time

	Next time.Time // the due time that comes next; zero while it is paused, or where none comes
	Last *Firing   // nil before the first
}

// ScheduleTiming says when a schedule is due: it has a Cron expression or an
// Interval.
type ScheduleTiming struct {
	Cron     string        `json:"cron,omitempty"`
	Zone     string        `json:"zone,omitempty"` // of the IANA database; empty means UTC
	Interval time.Duration `json:"interval,omitempty"`
	Anchor   time.Time     `json:"anchor,omitzero"` // whole intervals after it are due
}

// ScheduledWork is what a schedule executes. Strings in Inputs may hold
// placeholders, which RenderInputs fills in.
type ScheduledWork struct {
	Notebook    string         `json:"notebook"`
	Inputs      map[string]any `json:"inputs,omitempty"`
	OutputNames []string       `json:"outputNames,omitempty"`
	Spec        string         `json:"spec,omitempty"`
	Priority    int            `json:"priority,omitempty"`
}

// CatchUp says what becomes of the due times that a schedule has missed by
// more than LateAfter: the server was down.
type CatchUp string

// The policies of catching up.
const (
	CatchUpSkip CatchUp = "SKIP" // none of them is made up for
	CatchUpLast CatchUp = "LAST" // the newest of them is
	CatchUpAll  CatchUp = "ALL"  // the newest MaxCatchUp of them are, the oldest first
)

// Overlap says what happens at a due time when an execution that the schedule
// has started has not ended.
type Overlap string

// The policies of overlapping.
const (
	OverlapAllow Overlap = "ALLOW" // another one starts
	OverlapSkip  Overlap = "SKIP"  // the due time passes without one
)

// The bounds of schedules.
const (
	MaxSchedules     = 1000 // of a project
	MinInterval      = time.Minute
	MaxInterval      = 366 * 24 * time.Hour
	MaxCatchUp       = 100
	LateAfter        = time.Minute
	MaxCronLength    = 200
	MaxScheduledTime = 253402300799 // seconds since 1970: the end of the year 9999
)

// FiringOutcome says what came of a due time.
type FiringOutcome string

// The outcomes.
const (
	FiringStarted FiringOutcome = "STARTED" // there is an execution
	FiringSkipped FiringOutcome = "SKIPPED" // an earlier one had not ended
	FiringRefused FiringOutcome = "REFUSED" // an execution could not be accepted
)

// Firing is what came of a schedule's due time.
type Firing struct {
	Scheduled time.Time     `json:"scheduled"`
	At        time.Time     `json:"at"`
	Outcome   FiringOutcome `json:"outcome"`
	Execution ExecutionID   `json:"execution,omitempty"`
	Message   string        `json:"message,omitempty"` // why it was refused
}

// Origin says what submitted an execution, where it was no call of its own.
type Origin struct {
	Schedule  ScheduleID
	Scheduled time.Time // the due time, not the time at which it was noticed
	Sweep     SweepID
	Number    int // among the sweep's executions, from 0
}

// ScheduleFilter narrows a list of schedules, oldest first.
type ScheduleFilter struct {
	ProjectID ProjectID
	Page      Page
}

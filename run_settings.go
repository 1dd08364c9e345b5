package quire

import (
	"cmp"
	"time"
)

// RunSettings bound one run of a notebook. A zero field means "not set here":
// the project's settings stand over the server's, the server's over Quire's
// own defaults (see Or and DefaultRunSettings).
type RunSettings struct {
	CellTimeout      time.Duration `json:"cellTimeout,omitempty"`      // for each cell; negative means none
	RunTimeout       time.Duration `json:"runTimeout,omitempty"`       // for the whole run; negative means none
	InterruptGrace   time.Duration `json:"interruptGrace,omitempty"`   // from the interrupt to the kill
	StartTimeout     time.Duration `json:"startTimeout,omitempty"`     // for the kernel to answer
	IOPubTimeout     time.Duration `json:"iopubTimeout,omitempty"`     // for idle after the execute_reply
	MaxCellOutput    int64         `json:"maxCellOutput,omitempty"`    // bytes of output kept of one cell
	MaxOutput        int64         `json:"maxOutput,omitempty"`        // bytes of output kept of one notebook
	MaxVariableBytes int64         `json:"maxVariableBytes,omitempty"` // bytes of one output variable as JSON
	MaxVariableRows  int           `json:"maxVariableRows,omitempty"`  // rows of a DataFrame in an output variable
}

// DefaultRunSettings are in force where neither project nor server says otherwise.
func DefaultRunSettings() RunSettings {
	return RunSettings{
		CellTimeout:      -1,
		RunTimeout:       -1,
		InterruptGrace:   3 * time.Second,
		StartTimeout:     60 * time.Second,
		IOPubTimeout:     4 * time.Second,
		MaxCellOutput:    64 << 20,
		MaxOutput:        256 << 20,
		MaxVariableBytes: 4 << 20,
		MaxVariableRows:  1000,
	}
}

// Or returns s with every unset field taken from base.
func (s RunSettings) Or(base RunSettings) RunSettings {
	return RunSettings{
		CellTimeout:      cmp.Or(s.CellTimeout, base.CellTimeout),
		RunTimeout:       cmp.Or(s.RunTimeout, base.RunTimeout),
		InterruptGrace:   cmp.Or(s.InterruptGrace, base.InterruptGrace),
		StartTimeout:     cmp.Or(s.StartTimeout, base.StartTimeout),
		IOPubTimeout:     cmp.Or(s.IOPubTimeout, base.IOPubTimeout),
		MaxCellOutput:    cmp.Or(s.MaxCellOutput, base.MaxCellOutput),
		MaxOutput:        cmp.Or(s.MaxOutput, base.MaxOutput),
		MaxVariableBytes: cmp.Or(s.MaxVariableBytes, base.MaxVariableBytes),
		MaxVariableRows:  cmp.Or(s.MaxVariableRows, base.MaxVariableRows),
	}
}

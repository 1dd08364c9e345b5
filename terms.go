package quire

import "time"

// Terms are what an execution may use and cost, as resolved at its submission.
type Terms struct {
	Spec        Spec          `json:"spec"`
	MaxUnits    int64         `json:"maxUnits,omitempty"`   // DataSphere's max_units_per_execution; 0 means no limit
	StaleAfter  time.Duration `json:"staleAfter,omitempty"` // stopped when idle for so long; 0 means never
	MaxAttempts int           `json:"maxAttempts,omitempty"`
	NoLearning  bool          `json:"noLearning,omitempty"` // nothing is learned from it or for it
}

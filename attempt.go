package quire

import "time"

// Attempt is one attempt of an execution that did not end it: its executor was
// lost, and Quire tried again.
type Attempt struct {
	Number   int       `json:"number"` // from 1
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	Failure  *Failure  `json:"failure,omitempty"`
}

package quire

// SweepID identifies a sweep.
type SweepID string

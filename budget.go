package quire

// Budget is what a project may still spend.
type Budget struct {
	Balance    *int64 // units that are left, without those of executions under way; nil means unlimited
	MaxPerHour *int64 // nil means no limit
	Spent      int64  // units that ended executions have cost within the hour
}

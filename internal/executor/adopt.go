package executor

import "log/slog"

// Adopt makes this process the parent of whatever its descendants leave behind
// and returns the function that ends all of it, for Options.Reap. Call it in a
// process that starts nothing else meanwhile: every descendant is killed.
func Adopt(logger *slog.Logger) (reap func(), err error) {
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	return func() { killDescendants(logger) }, nil
}

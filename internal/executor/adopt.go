package executor

import (
	"log/slog"
	"os"
)

// Adopt makes this process the parent of whatever its descendants leave behind
// and returns the function that ends all that have come since, for
// Options.Reap. A process may have children before it is this program: a shell
// that starts some and then execs it. Those are spared.
func Adopt(logger *slog.Logger) (reap func(), err error) {
	if err := closeInherited(); err != nil {
		return nil, err
	}
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	older := descendants(os.Getpid())
	return func() { killDescendants(logger, older...) }, nil
}

package pyenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A guard is a file that processes and goroutines lock to share a thing, or to
// have it alone. It ends with its process, however that dies. Its file stays:
// one that were removed could be locked by who has opened it before.
type guard struct{ file *os.File }

// errBusy says that a guard is another's.
var errBusy = errors.New("in use")

func (s *Store) openGuard(name string) (*guard, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, guardsDir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("guard environment: %w", err)
	}
	return &guard{f}, nil
}

// try takes the guard, shared or alone, or returns errBusy.
func (g *guard) try(how int) error {
	err := unix.Flock(int(g.file.Fd()), how|unix.LOCK_NB) //nolint:gosec // a file descriptor
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errBusy
	}
	if err != nil {
		return fmt.Errorf("guard environment: %w", err)
	}
	return nil
}

// guardPause is the time between two looks at a guard that another has. What
// is waited for takes seconds, and a blocked flock cannot be called off.
const guardPause = 20 * time.Millisecond

// take takes the guard alone, and calls wait once if that has to be waited for.
func (g *guard) take(ctx context.Context, wait func()) error {
	for first := true; ; first = false {
		if err := g.try(unix.LOCK_EX); !errors.Is(err, errBusy) {
			return err
		}
		if first {
			wait()
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(guardPause):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *guard) release() { _ = g.file.Close() } // which unlocks it

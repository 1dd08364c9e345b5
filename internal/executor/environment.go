package executor

import (
	"context"
	"errors"
	"os"
	"slices"

	"quire"
	"quire/internal/pyenv"
)

// enterEnvironment takes the Python environment that the project declares, and
// makes it the one that the kernel is found in and runs in. If it has to be
// made first its progress is in the journal, so that it is seen by whoever
// watches the execution; and since this process outlives the server, so does
// the making.
func (e *execution) enterEnvironment(ctx context.Context) (*pyenv.Lease, error) {
	store, err := pyenv.Open(e.job.Environments)
	if err != nil {
		return nil, err
	}
	lease, err := store.Lookup(*e.job.Environment)
	if lease == nil && err == nil {
		var untold error
		lease, err = store.Acquire(ctx, *e.job.Environment, func(p quire.EnvironmentProgress) {
			untold = errors.Join(untold, e.emit(quire.Event{EnvironmentProgress: &p}))
		})
		if err == nil && untold != nil {
			lease.Release()
			return nil, untold
		}
	}
	if err != nil {
		return nil, err
	}
	lock, err := os.ReadFile(lease.LockPath())
	if err != nil {
		lease.Release()
		return nil, err
	}
	e.keepLock(lock)
	e.job.KernelPath = slices.Concat([]string{lease.KernelPath()}, e.job.KernelPath)
	e.job.Env = lease.Environ(e.job.Env)
	return lease, nil
}

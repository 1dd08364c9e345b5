package executor

import (
	"context"
	"errors"
	"fmt"
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
	if err := keepLock(lease.LockPath(), e.job.LockPath()); err != nil {
		lease.Release()
		return nil, fmt.Errorf("keep the environment's lock: %w", err)
	}
	e.job.KernelPath = slices.Concat([]string{lease.KernelPath()}, e.job.KernelPath)
	e.job.Env = lease.Environ(e.job.Env)
	e.receipt = &quire.Receipt{Environment: "sha256:" + lease.Environment.Digest}
	return lease, nil
}

// keepLock puts the lock into the execution's folder, where it stays when the
// environment is removed. An earlier attempt may have left its own.
func keepLock(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

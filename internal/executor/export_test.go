package executor

import (
	"context"
	"path/filepath"

	"quire"
	"quire/jupyter"
)

// For the tests in package executor_test.
var LockOf = lockOf

// NewReceipt makes the whole receipt of a job whose project declares no
// environment.
func NewReceipt(job quire.Job, notebook []byte, spec jupyter.Kernelspec) (*quire.Receipt, error) {
	e := &execution{job: job}
	var err error
	if e.receipt, err = newReceipt(job, notebook); err != nil {
		return nil, err
	}
	lock, err := lockOf(spec)
	if err != nil {
		return nil, err
	}
	e.keepLock(lock)
	return e.receipt, e.lockKept()
}

// RunInSlot is Run with a kernel that has started for the template.
func RunInSlot(ctx context.Context, template, job quire.Job, opts Options) (quire.Finished, error) {
	return RunInSlotAfter(ctx, template, job, opts, func() error { return nil })
}

// RunInSlotAfter calls meanwhile once the kernel waits.
func RunInSlotAfter(ctx context.Context, template, job quire.Job, opts Options, meanwhile func() error) (quire.Finished, error) {
	s, err := openSlot(ctx, template, opts.Logger)
	if err != nil {
		return quire.Finished{}, err
	}
	defer s.server.remove()
	defer s.close()
	if err := meanwhile(); err != nil {
		return quire.Finished{}, err
	}
	s.fit(job, opts.Logger)
	opts.RunDir, opts.enclosure, opts.slot = filepath.Join(s.server.dir, kernelDir), s.encl, s
	return Run(ctx, job, &opts)
}

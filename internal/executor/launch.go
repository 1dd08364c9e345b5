package executor

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"quire"
	"quire/internal/runner"
	"quire/internal/warm"
	"quire/jupyter"
)

// process is a kernel's: a child of this process, or forked on its behalf.
// One that is an io.Closer ends by that what descends from it.
type process interface {
	runner.Process
	PID() int
}

var (
	_ process = (*jupyter.Process)(nil)
	_ process = (*warm.Process)(nil)
)

// forkedLimit bounds the time that a forked kernel gets to answer, before one
// is started cold.
const forkedLimit = 10 * time.Second

// launch forks the kernel where the job offers that for the very command by
// which it would be started, and starts it in all other cases.
func (k *kernel) launch(ctx context.Context, job quire.Job, opts jupyter.LaunchOptions, logger *slog.Logger) error {
	if job.Warm != nil {
		p, err := k.fork(ctx, job, opts, false)
		if p != nil {
			k.process, k.forked = p, true
			logger.Info("kernel is forked", "pid", p.PID())
			return nil
		}
		logger.Info("kernel starts cold", "error", err)
	}
	if err := k.encl.options(&opts, job, k.spec); err != nil {
		return err
	}
	if opts.Cgroup != nil {
		defer opts.Cgroup.Close() // only passed on
	}
	p, err := jupyter.Launch(k.spec, opts)
	if err != nil {
		return err // in the interface, a nil *Process would not be nil
	}
	k.process = p
	return nil
}

// fork returns nil where there is no forked kernel, and the reason if that is
// another one than that the offer is not for this kernel.
func (k *kernel) fork(ctx context.Context, job quire.Job, opts jupyter.LaunchOptions, waits bool) (*warm.Process, error) {
	argv, env, err := k.spec.Command(opts)
	if err != nil {
		return nil, err
	}
	if !warm.Forkable(argv) || filepath.Clean(argv[0]) != filepath.Clean(job.Warm.Python) {
		return nil, nil //nolint:nilnil // no kernel, and nothing wrong
	}
	r := warm.Request{Argv: argv, Env: env, Dir: opts.Dir, Stdout: opts.Stdout, Stderr: opts.Stderr, Waits: waits}
	release, err := k.encl.request(&r, visible(job, k.spec, filepath.Dir(opts.ConnectionFile)))
	if err != nil {
		return nil, err
	}
	defer release()
	return warm.Launch(ctx, job.Warm.Socket, r)
}

package executor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"quire"
	"quire/internal/cgroup"
	"quire/internal/handover"
	"quire/internal/warm"
	"quire/jupyter"
)

// slot is a kernel that has started before there is a job for it, with what
// its executor needs beside it. It is given limits, an environment and a
// folder at the hand-over, before any of the notebook's code runs.
type slot struct {
	template quire.Job // no more than how kernels start
	server   *server
	encl     *enclosure
	seen     []string // below covered folders, as the kernel sees them
	kernel   *kernel  // nil: taken, or not fit for the job
	ahead    *ahead   // nil: it was forked
	note     string   // folder with the identity of this executor; empty: none
}

// openSlot starts a kernel for jobs that are like the template: by a fork, or
// cold where the template names the kernel.
func openSlot(ctx context.Context, template quire.Job, logger *slog.Logger) (*slot, error) {
	s := &slot{template: template, server: newServer()}
	s.encl = &enclosure{isolation: quire.Isolation{Tmp: template.Isolation.Tmp, Groups: slotGroups(template.Isolation.Groups)}, dir: s.server.dir}
	err := s.write()
	if err == nil {
		err = s.start(ctx, logger)
	}
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// slotGroups names the group that waits with this process: it has to be known
// whose it is before there is a job, and after.
func slotGroups(templates []string) (paths []string) {
	name := slotGroupName(os.Getpid(), processStart(os.Getpid()))
	for _, path := range templates {
		paths = append(paths, filepath.Join(filepath.Dir(path), name))
	}
	return paths
}

func (s *slot) start(ctx context.Context, logger *slog.Logger) error {
	spec, err := jupyter.FindKernel(s.template.KernelPath, cmp.Or(s.template.Kernel, jupyter.DefaultKernel))
	if err != nil {
		return err
	}
	if s.template.Kernel != "" {
		if s.ahead, err = newAhead(&s.template, spec); err != nil {
			return err
		}
	} else if s.template.Warm == nil {
		return errors.New("no fork server is offered")
	}
	if err := errors.Join(s.server.make(), s.encl.makeTmp(), s.encl.makeGroup(cgroup.Limits{})); err != nil {
		return err
	}
	k := &kernel{spec: spec, dir: filepath.Join(s.server.dir, kernelDir), encl: s.encl}
	s.kernel = k
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		return err
	}
	info, err := k.connection()
	if err != nil {
		return err
	}
	env, err := environment(s.template)
	if err != nil {
		return err
	}
	opts := k.launchOptions(s.template, env)
	opts.Dir = k.dir
	if err := info.WriteFile(opts.ConnectionFile); err != nil {
		return err
	}
	if k.output, err = newBoundedLog(filepath.Join(s.server.dir, "kernel.log")); err != nil {
		return err
	}
	opts.Stdout, opts.Stderr = k.output.pipe, k.output.pipe
	s.seen = s.covered(s.template, spec)
	limit := forkedLimit
	if s.ahead != nil {
		limit = aheadLimit
		err = k.launch(ctx, s.template, opts, logger)
	} else {
		err = s.fork(ctx, opts)
	}
	k.output.started()
	if err != nil {
		return err
	}
	s.encl.born = s.encl.group != nil
	yieldSession(k.PID())
	logger.Info("kernel waits for a job", "kernel", spec.Name, "pid", k.PID())
	return k.connect(ctx, info, limit)
}

func (s *slot) fork(ctx context.Context, opts jupyter.LaunchOptions) error {
	p, err := s.kernel.fork(ctx, s.template, opts, true)
	if p == nil {
		return errors.Join(errors.New("no kernel could be forked"), err)
	}
	s.kernel.process, s.kernel.forked = p, true
	return nil
}

// covered are the paths of a job that a kernel sees although they lie where
// its private folders do.
func (s *slot) covered(job quire.Job, spec jupyter.Kernelspec) (paths []string) {
	if s.encl.isolation.Tmp != quire.MountedTmp {
		return nil
	}
	seen := visible(job, spec, filepath.Join(s.server.dir, kernelDir))
	for _, name := range []string{"tmp", "var-tmp"} {
		paths = append(paths, below(seen, covered[name])...)
	}
	return paths
}

// fit ends the kernel where it is not one that the job would have got, as far
// as that is known before the kernel's name is.
func (s *slot) fit(job quire.Job, logger *slog.Logger) {
	if s == nil || s.kernel == nil {
		return
	}
	same := job.Environment == nil && job.Isolation.Tmp == s.template.Isolation.Tmp &&
		(s.ahead != nil || job.Warm != nil && *job.Warm == *s.template.Warm)
	if !same || s.kernel.exited() {
		logger.Info("the waiting kernel is not for this job")
		s.closeKernel()
	}
}

// take returns the kernel, as the job's own, or nil if it cannot be that: then
// it has ended.
func (s *slot) take(ctx context.Context, spec jupyter.Kernelspec, job quire.Job, logger *slog.Logger) *kernel {
	if s == nil || s.kernel == nil {
		return nil
	}
	k := s.kernel
	if err := s.handOver(ctx, spec, job); err != nil {
		logger.Info("the waiting kernel is not for this job", "error", err)
		s.closeKernel()
		return nil
	}
	s.kernel, k.waited = nil, true
	if k.forked {
		logger.Info("kernel is forked, and has waited", "pid", k.PID())
	} else {
		logger.Info("kernel was started cold, and has waited", "pid", k.PID())
	}
	return k
}

func (s *slot) handOver(ctx context.Context, spec jupyter.Kernelspec, job quire.Job) error {
	k := s.kernel
	env, err := environment(job)
	if err != nil {
		return err
	}
	argv, env, err := spec.Command(k.launchOptions(job, env))
	if err != nil {
		return err
	}
	was, err := environment(s.template)
	if err != nil {
		return err
	}
	own, was, err := k.spec.Command(k.launchOptions(s.template, was))
	if err != nil {
		return err
	}
	switch {
	case !slices.Equal(argv, own) || spec.InterruptMode != k.spec.InterruptMode:
		return errors.New("its kernelspec is another")
	case !slices.Equal(s.seen, s.covered(job, spec)):
		return errors.New("its folder lies where the private ones do")
	}
	if s.ahead != nil {
		change := handover.Change{From: was, To: env, Dir: job.WorkDir}
		err = s.ahead.handOver(ctx, k, spec, job, s.template, change)
	} else if err = k.encl.prepareBy(k.PID(), pinThreads); err == nil {
		err = warm.HandOver(ctx, k.client, env, job.WorkDir)
	}
	if err != nil {
		return err
	}
	k.spec = spec
	return k.output.moveTo(job.KernelLogPath())
}

func (s *slot) closeKernel() {
	if s.kernel != nil {
		s.kernel.close()
		s.kernel, s.encl.born = nil, false
		_ = os.RemoveAll(filepath.Join(s.server.dir, kernelDir)) // the next one's must be empty
	}
}

// close ends a kernel that nobody has taken, and removes its group.
func (s *slot) close() {
	s.closeKernel()
	if s.encl.group != nil {
		_ = s.encl.group.Remove() // the server's next start removes what is left
	}
}

// end is close where there was no job.
func (s *slot) end() {
	s.close()
	s.server.remove()
	s.forget()
}

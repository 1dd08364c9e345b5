package local

import (
	"context"
	"os"

	"quire"
	"quire/jupyter"
)

// Place is where kernels of an environment are found, and what they run in.
type Place struct {
	KernelPath []string
	Env        []string
}

// WarmUp has kernels of the default kernelspec made ready before the first
// job. It does not wait.
func (j *Jobs) WarmUp() { j.offer(Place{j.KernelPath, j.Env}, nil) }

// WarmAfter has kernels of an ended job's environment made ready for the next
// one: it may be that job which has built the environment. It does not wait.
func (j *Jobs) WarmAfter(dir string) {
	if j.Built == nil {
		return
	}
	job := quire.Job{Dir: dir}
	data, err := os.ReadFile(job.JobPath())
	if err != nil || job.Decode(data) != nil || job.Environment == nil {
		return // those of the server's own environment are warm anyhow
	}
	j.warmKernel(job)
}

// WarmLearned has kernels made ready for the next execution that is like this
// one, from which something was learned: what is started now is not in that
// one's way. It does not wait.
func (j *Jobs) WarmLearned(ctx context.Context, e quire.Execution) {
	job := quire.Job{ProjectID: e.ProjectID, Terms: e.Terms}
	var err error
	if job.Environment, err = j.Executions.Declared(ctx, e.ID); err != nil {
		return // it is removed already
	}
	if job.Environment != nil {
		job.Env = j.DeclaredEnv
	}
	j.warmKernel(job)
}

// warmKernel returns the offer for the interpreter of the job's environment,
// or of the default kernelspec: the executor looks whether that is the
// notebook's. An environment that is not built yet has none.
func (j *Jobs) warmKernel(job quire.Job) *quire.WarmKernel {
	learned := j.Learner.lists(job)
	switch {
	case job.Environment == nil:
		return j.offer(Place{j.KernelPath, j.Env}, learned)
	case j.Built == nil:
		return nil
	}
	place, ok := j.Built(*job.Environment, job.Env)
	if !ok {
		return nil
	}
	return j.offer(place, learned)
}

func (j *Jobs) offer(p Place, learned [][]string) *quire.WarmKernel {
	if j.Warm == nil {
		return nil
	}
	spec, err := jupyter.FindKernel(p.KernelPath, jupyter.DefaultKernel)
	if err != nil {
		return nil // the executor says so, to whom it concerns
	}
	argv, env, err := spec.Command(jupyter.LaunchOptions{Env: p.Env, ConnectionFile: "kernel.json"})
	if err != nil {
		return nil
	}
	socket := j.Warm(argv[0], env, learned...)
	if socket == "" {
		return nil
	}
	return &quire.WarmKernel{Python: argv[0], Socket: socket}
}

// Template is the job that says how kernels of the server's own environment
// start, for Slots; false while they cannot be forked.
func (j *Jobs) Template() (quire.Job, bool) {
	job := quire.Job{Dir: j.Waiting, KernelPath: j.KernelPath, Env: j.Env, Warm: j.warmKernel(quire.Job{})}
	if j.Host != nil {
		job.Isolation = j.Host.slotIsolation()
	}
	return job, job.Warm != nil
}

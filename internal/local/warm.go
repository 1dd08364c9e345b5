package local

import (
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
func (j *Jobs) WarmUp() { j.offer(Place{j.KernelPath, j.Env}) }

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

// warmKernel returns the offer for the interpreter of the job's environment,
// or of the default kernelspec: the executor looks whether that is the
// notebook's. An environment that is not built yet has none.
func (j *Jobs) warmKernel(job quire.Job) *quire.WarmKernel {
	switch {
	case job.Environment == nil:
		return j.offer(Place{j.KernelPath, j.Env})
	case j.Built == nil:
		return nil
	}
	place, ok := j.Built(*job.Environment, job.Env)
	if !ok {
		return nil
	}
	return j.offer(place)
}

func (j *Jobs) offer(p Place) *quire.WarmKernel {
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
	socket := j.Warm(argv[0], env)
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
		job.Isolation.Tmp = j.Host.tmp
	}
	return job, job.Warm != nil
}

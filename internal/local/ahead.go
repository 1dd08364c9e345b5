package local

import (
	"cmp"
	"os"
	"strings"

	"quire"
	"quire/internal/handover"
	"quire/jupyter"
	"quire/nbformat"
)

// take returns an executor whose kernel has started, or nil.
func (b *Backend) take(job quire.Job) *ready {
	if len(b.Ahead) > 0 && job.Environment == nil {
		kernel := cmp.Or(job.Kernel, named(job), jupyter.DefaultKernel)
		if kernel = strings.ToLower(kernel); kernel != jupyter.DefaultKernel {
			return b.Ahead[kernel].take(job) // the others would be of no use
		}
	}
	return b.Slots.take(job)
}

// named returns the kernel that the job's notebook names, or "".
func named(job quire.Job) string {
	data, err := os.ReadFile(job.InputPath())
	if err != nil {
		return "" // the executor says so
	}
	nb, err := nbformat.Parse(data)
	if err != nil {
		return ""
	}
	return nb.KernelName()
}

// AheadTemplate is the job that says how kernels of that kernelspec start, for
// Slots; an error says why they cannot be started ahead.
func (j *Jobs) AheadTemplate(kernel string) (quire.Job, error) {
	spec, err := jupyter.FindKernel(j.KernelPath, kernel)
	if err != nil {
		return quire.Job{}, err
	}
	if _, err := handover.Of(spec); err != nil {
		return quire.Job{}, err
	}
	job := quire.Job{Dir: j.Waiting, KernelPath: j.KernelPath, Env: j.Env, Kernel: spec.Name}
	if j.Host != nil {
		whole := j.Host.Isolation("", 0, quire.Spec{})
		job.Isolation = j.Host.slotIsolation()
		job.Isolation.Bounds = whole.Bounds
	}
	return job, nil
}

package local

import (
	"quire"
	"quire/jupyter"
)

// WarmUp has kernels of the default kernelspec made ready before the first
// job. It does not wait.
func (j *Jobs) WarmUp() { j.warmKernel() }

// warmKernel returns the offer for the default kernelspec's interpreter: the
// executor looks whether that is the notebook's.
func (j *Jobs) warmKernel() *quire.WarmKernel {
	if j.Warm == nil {
		return nil
	}
	spec, err := jupyter.FindKernel(j.KernelPath, jupyter.DefaultKernel)
	if err != nil {
		return nil // the executor says so, to whom it concerns
	}
	argv, env, err := spec.Command(jupyter.LaunchOptions{Env: j.Env, ConnectionFile: "kernel.json"})
	if err != nil {
		return nil
	}
	socket := j.Warm(argv[0], env)
	if socket == "" {
		return nil
	}
	return &quire.WarmKernel{Python: argv[0], Socket: socket}
}

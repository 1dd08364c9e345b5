// Package warm starts IPython kernels in the time of a fork. A fork server is
// a process of an environment's own interpreter that has imported what every
// kernel imports; Pool keeps some of them for the server, and Launch asks one
// for a kernel on an executor's behalf.
//
// A forked kernel is meant to be what a cold one is. Where that cannot be, the
// fork server says no; where it does not answer, time runs out: whoever asks
// must be able to start the kernel cold. What a kernel is told and says is
// package jupyter's.
package warm

import _ "embed"

//go:embed forkserver.py
var program []byte

// Key says which kernels one fork server can fork.
type Key struct {
	Python  string   // the interpreter as kernels are started with it, absolute
	Env     []string // their environment, before what is an execution's own
	Preload []string // modules to import beforehand; one that is absent or not fit is passed over
	Learned []string // more of them, which nobody has tried: these are looked at closer
}

// Preload is what notebooks import most and was seen to be fit for a fork.
// scikit-learn is left to what is learned of a project: with SciPy it makes
// each fork dearer.
func Preload() []string {
	return []string{"numpy", "pandas", "matplotlib.pyplot", "pyarrow"}
}

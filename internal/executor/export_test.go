package executor

import (
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
	return e.receipt, e.keepLock(lock)
}

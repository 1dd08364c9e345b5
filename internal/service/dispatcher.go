package service

import "quire"

// Dispatcher brings queued executions to where they run, and knows of those
// that run what the store is told later. Its methods return at once.
type Dispatcher interface {
	// Wake says that something was queued.
	Wake()
	// Cancel says that the store now holds a request to stop the execution.
	Cancel(id quire.ExecutionID)
	// Live returns the progress of an execution that runs, and false for any
	// other. What it has returned is not newer than what the store holds once
	// it returns false.
	Live(id quire.ExecutionID) (quire.Progress, bool)
	// Journal returns how many bytes of the execution's journal may be told, -1
	// for all of them, whether more may come, and a channel that is closed when
	// the answer has changed. It is (0, true, …) for a queued execution and
	// (-1, false, nil) for one that has ended.
	Journal(id quire.ExecutionID) (durable int64, growing bool, changed <-chan struct{})
}

// Kernels knows which kernels there are.
type Kernels interface {
	// Check returns nil if there is a kernelspec of that name, and otherwise an
	// InvalidArgument error that lists those there are.
	Check(name string) error
}

package service

import "quire"

// Dispatcher brings queued executions to where they run, and knows of those
// that run what the store is told later. Its methods return at once.
type Dispatcher interface {
	// Wake says that something was queued.
	Wake()
	// Cancel says that the store now holds a request to stop the execution.
	Cancel(id quire.ExecutionID)
	// Live returns the progress of an execution that is attended to, and false
	// for any other. The store has been told all of it before that ends.
	Live(id quire.ExecutionID) (quire.Progress, bool)
	// Journal returns how many bytes of the execution's journal are durable,
	// and a channel that is closed when that may have changed. For an execution
	// that is not live the store, if it is asked after this call, knows whether
	// it has ended; while it has not, the channel is closed when it may be live.
	Journal(id quire.ExecutionID) (durable int64, live bool, changed <-chan struct{})
}

// Kernels knows which kernels there are.
type Kernels interface {
	// Check returns nil if there is a kernelspec of that name, and otherwise an
	// InvalidArgument error that lists those there are.
	Check(name string) error
}

package executor

// For the tests in package executor_test.
var (
	LockOf     = lockOf
	NewReceipt = newReceipt
)

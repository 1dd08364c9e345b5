package cli

import "fmt"

// usageError says that the command is not right as it stands.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func misuse(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

// exitError ends the program with a status of its own. An empty message means
// that everything was said.
type exitError struct {
	status  int
	message string
}

func (e *exitError) Error() string { return e.message }

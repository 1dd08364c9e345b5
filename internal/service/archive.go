package service

import (
	"context"
	"io"

	"quire"
)

// Archive keeps a folder for each execution: the notebook as it was submitted,
// the journal and, after the end, the executed notebook.
type Archive interface {
	// Create makes the folder with input.ipynb in it, and what the project
	// declares of the environment if that is not nil, durably.
	Create(ctx context.Context, id quire.ExecutionID, input []byte, declared *quire.EnvironmentDeclaration) error
	// Remove removes the folder. It is idempotent.
	Remove(ctx context.Context, id quire.ExecutionID) error
	// Input returns the notebook as it was submitted.
	Input(ctx context.Context, id quire.ExecutionID) ([]byte, error)
	// OpenNotebook opens the executed notebook. It is NotFound where there is
	// none, or none yet. The caller closes it.
	OpenNotebook(ctx context.Context, id quire.ExecutionID) (io.ReadCloser, error)
	// JournalPath returns where the execution's journal is, or will be.
	JournalPath(id quire.ExecutionID) string
}

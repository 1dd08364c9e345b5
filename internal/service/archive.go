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
	// Sweep removes the folders of executions that known does not know and no
	// executor was ever given, and returns how many those were.
	Sweep(ctx context.Context, known func(context.Context, quire.ExecutionID) (bool, error)) (int, error)
	// Input returns the notebook as it was submitted.
	Input(ctx context.Context, id quire.ExecutionID) ([]byte, error)
	// Declared returns the environment that was declared then; nil where none was.
	Declared(ctx context.Context, id quire.ExecutionID) (*quire.EnvironmentDeclaration, error)
	// OpenNotebook opens the executed notebook. It is NotFound where there is
	// none, or none yet. The caller closes it.
	OpenNotebook(ctx context.Context, id quire.ExecutionID) (io.ReadCloser, error)
	// JournalPath returns where the execution's journal is, or will be.
	JournalPath(id quire.ExecutionID) string
}

package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"quire"
	"quire/internal/crash"
	"quire/internal/service"
)

// layout is a job without a folder: its paths are the files' names.
var layout quire.Job

// Archive keeps a folder for each execution: the notebook as it was sent in,
// and what the executor makes of it. Its methods are safe for concurrent use.
type Archive struct {
	executions *area
}

var _ service.Archive = (*Archive)(nil)

// OpenArchive returns the archive in the data folder dir, which it makes where
// there is none. It removes what interrupted calls have left.
func OpenArchive(dir string) (*Archive, error) {
	executions, err := openArea(dir, "executions")
	if err != nil {
		return nil, err
	}
	return &Archive{executions}, nil
}

// Close releases the data folder.
func (a *Archive) Close() error { return a.executions.Close() }

// Create makes the folder of an execution with its input in it, and with the
// declaration of its environment if that is not nil, durably, or not at all.
// It refuses an execution that has a folder with AlreadyExists.
func (a *Archive) Create(ctx context.Context, id quire.ExecutionID, input []byte, declared *quire.EnvironmentDeclaration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validID(string(id)) {
		return quire.Invalid("operation_id", "%q is no execution's id", id)
	}
	contents := map[string][]byte{layout.InputPath(): input}
	if declared != nil {
		data, err := json.Marshal(declared)
		if err != nil {
			return fmt.Errorf("archive input: %w", err)
		}
		contents[layout.DeclaredPath()] = data
	}
	scrap := quire.NewID()
	err := a.fill(scrap, contents)
	if err == nil {
		crash.At(crash.SubmitFilled)
		// The name of a folder that is not empty cannot be taken over.
		err = a.executions.data.Rename(a.executions.scrap(scrap), a.executions.item(string(id)))
	}
	if err != nil {
		_ = a.executions.destroy(scrap) // or at the next Open
	} else {
		err = a.sync(string(id), contents)
	}
	if errors.Is(err, fs.ErrExist) {
		return quire.Errorf(quire.AlreadyExists, "execution %q has a folder", id)
	}
	if err != nil {
		return fmt.Errorf("archive input: %w", bare(err))
	}
	return nil
}

func (a *Archive) fill(scrap string, contents map[string][]byte) error {
	data, folder := a.executions.data, a.executions.scrap(scrap)
	if err := data.Mkdir(folder, 0o700); err != nil {
		return err
	}
	for name, content := range contents {
		if err := data.WriteFile(path.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// sync makes a folder and the files in it durable. It comes after the last name
// is given: what a file system has gathered since then is one commit of its own
// journal, which the first sync waits for and the others find done.
func (a *Archive) sync(id string, contents map[string][]byte) error {
	folder := a.executions.item(id)
	for name := range contents {
		f, err := a.executions.data.Open(path.Join(folder, name))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	if err := a.executions.syncFolder(folder); err != nil {
		return err
	}
	return a.executions.syncFolder(a.executions.name)
}

// Remove removes an execution's folder. It is idempotent.
func (a *Archive) Remove(ctx context.Context, id quire.ExecutionID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validID(string(id)) {
		return nil
	}
	if err := a.executions.discard(string(id)); err != nil {
		return fmt.Errorf("remove execution folder: %w", bare(err))
	}
	return nil
}

// Path returns the absolute path on this machine of an execution's folder. For
// an id that Create refuses it is a path that is never there.
func (a *Archive) Path(id quire.ExecutionID) string {
	name := string(id)
	if !validID(name) {
		name = "-"
	}
	return filepath.Join(a.executions.dir, name)
}

// JournalPath returns the absolute path of an execution's journal.
func (a *Archive) JournalPath(id quire.ExecutionID) string {
	return quire.Job{Dir: a.Path(id)}.JournalPath()
}

// Input returns the notebook as it was sent in.
func (a *Archive) Input(ctx context.Context, id quire.ExecutionID) ([]byte, error) {
	f, err := a.open(ctx, id, layout.InputPath())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	input, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read input: %w", bare(err))
	}
	return input, nil
}

// Declared returns the environment that the project declared when the
// execution was submitted; nil where it declared none.
func (a *Archive) Declared(ctx context.Context, id quire.ExecutionID) (*quire.EnvironmentDeclaration, error) {
	f, err := a.open(ctx, id, layout.DeclaredPath())
	if quire.CodeOf(err) == quire.NotFound {
		return nil, nil //nolint:nilnil // nothing was declared
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var d quire.EnvironmentDeclaration
	if err := json.NewDecoder(f).Decode(&d); err != nil {
		return nil, fmt.Errorf("read declaration of environment: %w", bare(err))
	}
	return &d, nil
}

// OpenNotebook opens the notebook that the executor wrote at the end of the
// run; NotFound before that. The caller closes it; it is an io.Seeker too.
func (a *Archive) OpenNotebook(ctx context.Context, id quire.ExecutionID) (io.ReadCloser, error) {
	return a.open(ctx, id, layout.NotebookPath())
}

func (a *Archive) open(ctx context.Context, id quire.ExecutionID, name string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	missing := quire.Errorf(quire.NotFound, "execution %q has no %s", id, name)
	missing.Field = "operation_id"
	if !validID(string(id)) {
		return nil, missing
	}
	root, err := a.executions.data.OpenRoot(a.executions.item(string(id)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("open execution folder: %w", bare(err))
	}
	defer root.Close()
	f, _, err := openRegular(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, bare(err))
	}
	return f, nil
}

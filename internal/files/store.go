// Package files keeps the files of projects and the archive of executions in
// a directory: DATA/projects/<id> and DATA/executions/<id>.
//
// A project's folder belongs to the notebooks that run in it, and what runs
// there is hostile until shown otherwise: every access goes through os.Root,
// so that no name and no link that a notebook planted leads out of the
// project, and nothing but a regular file is ever opened. Who may do what, and
// what a project is, is left to others. One process at a time owns DATA.
package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"quire"
	"quire/internal/service"
)

// Store keeps the files of projects. Its methods are safe for concurrent use.
// Errors that a client can do something about are *quire.Error, with the field
// path, prefix or page_token where that is at fault.
type Store struct {
	projects *area
}

var _ service.Files = (*Store)(nil)

// Open returns the store in the data folder dir, which it makes where there
// is none. It removes what interrupted uploads and deletions have left.
func Open(dir string) (*Store, error) {
	projects, err := openArea(dir, "projects")
	if err != nil {
		return nil, err
	}
	return &Store{projects}, nil
}

// Close releases the data folder.
func (s *Store) Close() error { return s.projects.Close() }

// CreateProject makes the folder of a project. It is idempotent, and durable
// when it returns.
func (s *Store) CreateProject(ctx context.Context, id quire.ProjectID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validID(string(id)) {
		return quire.Invalid("project_id", "%q is no project's id", id)
	}
	a := s.projects
	err := a.data.Mkdir(a.item(string(id)), 0o755)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create project folder: %w", bare(err))
	}
	if err := a.syncFolder(a.name); err != nil {
		return fmt.Errorf("create project folder: %w", bare(err))
	}
	return nil
}

// RemoveProject removes a project's folder with all that is in it. It is
// idempotent: nothing is left to see after the first moment, whenever the
// process dies.
func (s *Store) RemoveProject(ctx context.Context, id quire.ProjectID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validID(string(id)) {
		return nil
	}
	if err := s.projects.discard(string(id)); err != nil {
		return fmt.Errorf("remove project folder: %w", bare(err))
	}
	return nil
}

// root opens a project's folder. The caller closes it.
func (s *Store) root(ctx context.Context, id quire.ProjectID) (*os.Root, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := s.projects
	unknown := &quire.Error{Code: quire.NotFound, Field: "project_id", Message: fmt.Sprintf("there is no project %q", id)}
	if !validID(string(id)) {
		return nil, unknown
	}
	// A link in place of the folder would lead into another project.
	info, err := a.data.Lstat(a.item(string(id)))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, unknown
	}
	if err != nil {
		return nil, fmt.Errorf("open project folder: %w", bare(err))
	}
	root, err := a.data.OpenRoot(a.item(string(id)))
	if err != nil {
		return nil, fmt.Errorf("open project folder: %w", bare(err))
	}
	return root, nil
}

// enter opens the project's folder for work on one path of it.
func (s *Store) enter(ctx context.Context, id quire.ProjectID, name string) (*os.Root, string, error) {
	name, err := ValidatePath(name)
	if err != nil {
		return nil, "", err
	}
	root, err := s.root(ctx, id)
	return root, name, err
}

package service

import (
	"context"
	"io"
	"strings"

	"quire"
)

// Files is project storage. A path is slash-separated and relative to the
// project. Its errors are *quire.Error where the caller is at fault:
// InvalidArgument for a path that leaves the project or is none, NotFound for
// a project or a file that is not there.
type Files interface {
	// CreateProject makes the project's empty storage. It is idempotent.
	CreateProject(ctx context.Context, id quire.ProjectID) error
	// RemoveProject removes the project's storage with all in it. It is idempotent.
	RemoveProject(ctx context.Context, id quire.ProjectID) error
	// Sweep removes the storage of projects that known does not know, as long
	// as there is nothing in it, and returns how many those were.
	Sweep(ctx context.Context, known func(context.Context, quire.ProjectID) (bool, error)) (int, error)
	// Put writes a file, atomically, with the folders that it needs.
	Put(ctx context.Context, id quire.ProjectID, path string, content io.Reader) (quire.File, error)
	// Open opens a file as it is now. The caller closes it.
	Open(ctx context.Context, id quire.ProjectID, path string) (io.ReadCloser, quire.File, error)
	Delete(ctx context.Context, id quire.ProjectID, path string) error
	// List returns a page of the files whose paths start with prefix, in the
	// order of their paths, and the token of the next one, empty at the end.
	List(ctx context.Context, id quire.ProjectID, prefix string, page quire.Page) ([]quire.File, string, error)
}

// PutFile writes a file of a project, atomically, with the folders that it
// needs. As in all methods here, path may start with quire.ProjectRoot.
func (s *Service) PutFile(ctx context.Context, id quire.ProjectID, path string, content io.Reader) (quire.File, error) {
	if _, err := s.store.Project(ctx, id); err != nil {
		return quire.File{}, err
	}
	return s.files.Put(ctx, id, inProject(path), content)
}

// OpenFile opens a file of a project. The caller closes it.
func (s *Service) OpenFile(ctx context.Context, id quire.ProjectID, path string) (io.ReadCloser, quire.File, error) {
	if _, err := s.store.Project(ctx, id); err != nil {
		return nil, quire.File{}, err
	}
	return s.files.Open(ctx, id, inProject(path))
}

// DeleteFile deletes a file of a project.
func (s *Service) DeleteFile(ctx context.Context, id quire.ProjectID, path string) error {
	if _, err := s.store.Project(ctx, id); err != nil {
		return err
	}
	return s.files.Delete(ctx, id, inProject(path))
}

// ListFiles returns a page of a project's files whose paths start with prefix,
// in the order of their paths, and the token of the next one, empty at the end.
func (s *Service) ListFiles(ctx context.Context, id quire.ProjectID, prefix string, page quire.Page) ([]quire.File, string, error) {
	if err := checkPage(page); err != nil {
		return nil, "", err
	}
	if _, err := s.store.Project(ctx, id); err != nil {
		return nil, "", err
	}
	return s.files.List(ctx, id, inProject(prefix), page)
}

// inProject makes a path under quire.ProjectRoot relative. Whether a path is
// one at all is for Files to say.
func inProject(path string) string { return strings.TrimPrefix(path, quire.ProjectRoot) }

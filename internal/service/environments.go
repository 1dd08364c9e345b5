package service

import (
	"cmp"
	"context"
	"io"
	"strings"

	"quire"
	"quire/internal/pyenv"
	"quire/nbformat"
)

// Environments keeps Python environments. Its errors are *quire.Error where
// the caller is at fault, or what a project declares.
type Environments interface {
	// List returns those that there are, the one that was used last first.
	List(ctx context.Context) ([]quire.Environment, error)
	// Get returns one with its lock. Digest may be the start of one.
	Get(ctx context.Context, digest string) (quire.Environment, error)
	// Build makes the environment of a declaration, if it is not there yet. It
	// is resolved anew where refresh is set.
	Build(ctx context.Context, d quire.EnvironmentDeclaration, refresh bool, tell func(quire.EnvironmentProgress)) (quire.Environment, error)
	// Remove removes one that nobody uses.
	Remove(ctx context.Context, digest string) error
}

var errNoEnvironments = quire.Errorf(quire.FailedPrecondition, "this server makes no Python environments: every notebook runs in the server's own")

// Environments returns the environments that there are, the one that was used
// last first.
func (s *Service) Environments(ctx context.Context) ([]quire.Environment, error) {
	if s.environments == nil {
		return nil, nil
	}
	return s.environments.List(ctx)
}

// Environment returns one environment with its lock.
func (s *Service) Environment(ctx context.Context, digest string) (quire.Environment, error) {
	if s.environments == nil {
		return quire.Environment{}, errNoEnvironments
	}
	return s.environments.Get(ctx, digest)
}

// RemoveEnvironment removes an environment that no execution uses.
func (s *Service) RemoveEnvironment(ctx context.Context, digest string) error {
	if s.environments == nil {
		return errNoEnvironments
	}
	return s.environments.Remove(ctx, digest)
}

// BuildEnvironment makes the environment that a project declares for one of
// its notebooks, and tells how far it is.
func (s *Service) BuildEnvironment(
	ctx context.Context, id quire.ProjectID, notebook string, refresh bool, tell func(quire.EnvironmentProgress),
) (quire.Environment, error) {
	var none quire.Environment
	if s.environments == nil {
		return none, errNoEnvironments
	}
	if _, err := s.store.Project(ctx, id); err != nil {
		return none, atField("project_id", err)
	}
	if notebook == "" {
		return none, quire.Invalid("notebook", "is empty; it must name a notebook of the project")
	}
	nb, _, path, err := s.readNotebook(ctx, id, inProject(notebook), "notebook")
	if err != nil {
		return none, err
	}
	d, err := s.declared(ctx, id, path, nb)
	if err != nil {
		return none, err
	}
	if d == nil {
		return none, quire.Errorf(quire.FailedPrecondition, "nothing is declared for %q: it runs in the server's own environment", path)
	}
	return s.environments.Build(ctx, *d, refresh, tell)
}

// declared returns the environment that the project declares for a notebook,
// nil where it runs in the server's own. A notebook that is not in Python, or
// asks by name for another kernel that there is, has no use for one.
func (s *Service) declared(ctx context.Context, id quire.ProjectID, path string, nb *nbformat.Notebook) (*quire.EnvironmentDeclaration, error) {
	kernel := cmp.Or(nb.KernelName(), defaultKernel)
	other := !strings.EqualFold(kernel, defaultKernel) && s.kernels.Check(kernel) == nil
	language := strings.ToLower(nb.Language())
	if s.environments == nil || other || language != "" && language != "python" {
		return nil, nil //nolint:nilnil // the server's own
	}
	open := func(ctx context.Context, path string) (io.ReadCloser, error) {
		f, _, err := s.files.Open(ctx, id, path)
		return f, err
	}
	return pyenv.Declare(ctx, open, path, nb)
}

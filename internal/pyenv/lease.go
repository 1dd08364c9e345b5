package pyenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quire"
)

// buildLimit bounds the making of one environment, the waiting for another
// builder included.
const buildLimit = time.Hour

// Lease is the use of an environment: while it is held nobody removes it. It
// ends with its process at the latest.
type Lease struct {
	Environment quire.Environment
	Prefix      string // sys.prefix: PREFIX/bin/python
	guard       *guard
}

// Release ends the use.
func (l *Lease) Release() { l.guard.release() }

// KernelPath is the folder that holds the environment's kernelspec.
func (l *Lease) KernelPath() string { return filepath.Join(l.Prefix, "share", "jupyter", "kernels") }

// LockPath is the file that holds the environment's lock.
func (l *Lease) LockPath() string { return filepath.Join(l.Prefix, lockFile) }

// Environ is env with the environment activated in it: its programs come first
// on the PATH, and VIRTUAL_ENV names it to tools that ask.
func (l *Lease) Environ(env []string) []string {
	path := []string{filepath.Join(l.Prefix, "bin")}
	active := make([]string, 0, len(env)+2)
	for _, entry := range env {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "PATH":
			if value != "" {
				path = append(path, value)
			}
		case "VIRTUAL_ENV", "PYTHONHOME":
		default:
			active = append(active, entry)
		}
	}
	return append(active, "PATH="+strings.Join(path, string(os.PathListSeparator)), "VIRTUAL_ENV="+l.Prefix)
}

// Lookup takes the environment of a declaration if it is there already, which
// costs a few system calls; nil if it has to be resolved or built first.
func (s *Store) Lookup(d quire.EnvironmentDeclaration) (*Lease, error) {
	key, err := s.key(d)
	if err != nil {
		return nil, err
	}
	r, found, err := s.resolved(key)
	if !found || err != nil {
		return nil, err
	}
	l, err := s.take(r.Digest)
	if errors.Is(err, errBusy) {
		return nil, nil //nolint:nilnil // it is being built
	}
	return l, err
}

// Acquire takes the environment of a declaration, which it resolves and builds
// where nobody has before. Whoever needs the same one meanwhile, in another
// process too, waits. That the declaration cannot be met is a *quire.Error
// with what the resolver says.
func (s *Store) Acquire(ctx context.Context, d quire.EnvironmentDeclaration, tell Tell) (*Lease, error) {
	return s.acquire(ctx, d, false, tell)
}

// Build is Acquire for somebody who does not use the environment now. With
// refresh the declaration is resolved anew, to the newest packages that fit it.
func (s *Store) Build(ctx context.Context, d quire.EnvironmentDeclaration, refresh bool, tell func(quire.EnvironmentProgress)) (quire.Environment, error) {
	l, err := s.acquire(ctx, d, refresh, tell)
	if err != nil {
		return quire.Environment{}, err
	}
	defer l.Release()
	return s.Get(ctx, l.Environment.Digest)
}

func (s *Store) acquire(ctx context.Context, d quire.EnvironmentDeclaration, fresh bool, tell Tell) (*Lease, error) {
	if tell == nil {
		tell = func(quire.EnvironmentProgress) {}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, buildLimit,
		quire.Errorf(quire.FailedPrecondition, "the Python environment that %s declares could not be made within %s", d.Path, buildLimit))
	defer cancel()
	r, err := s.resolve(ctx, d, fresh, tell)
	if err != nil {
		return nil, err
	}
	return s.attain(ctx, d, r, tell)
}

// attain takes an environment, which it builds if it is not there and nobody
// else does. Who waits for a builder shares with it as soon as it is there:
// the builder may then keep it for hours.
func (s *Store) attain(ctx context.Context, d quire.EnvironmentDeclaration, r resolution, tell Tell) (*Lease, error) {
	for waits := 0; ; waits++ {
		l, err := s.take(r.Digest)
		if err == nil && l == nil {
			if err = s.buildAlone(ctx, d, r, tell); err == nil {
				continue
			}
		}
		if !errors.Is(err, errBusy) {
			return l, err
		}
		if waits == 0 {
			tell(quire.EnvironmentProgress{Phase: quire.EnvironmentWaiting})
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// take shares an environment; nil if it is not there.
func (s *Store) take(digest string) (*Lease, error) {
	if !s.whole(digest) {
		return nil, nil //nolint:nilnil // and its guard is left to who builds it
	}
	g, err := s.openGuard(digest)
	if err != nil {
		return nil, err
	}
	if err := g.try(unix.LOCK_SH); err != nil {
		g.release()
		return nil, err
	}
	l := &Lease{Prefix: s.prefix(digest), guard: g}
	stamp := filepath.Join(l.Prefix, stampFile)
	found, err := readJSON(stamp, &l.Environment)
	if err == nil && found {
		l.Environment.UsedAt = time.Now()
		err = os.Chtimes(stamp, time.Time{}, l.Environment.UsedAt)
	}
	if err != nil {
		g.release()
		return nil, fmt.Errorf("take environment: %w", err)
	}
	if !found {
		g.release()
		return nil, nil //nolint:nilnil // it is not there
	}
	return l, nil
}

// buildAlone builds an environment that is not there, or returns errBusy where
// another one does.
func (s *Store) buildAlone(ctx context.Context, d quire.EnvironmentDeclaration, r resolution, tell Tell) error {
	g, err := s.openGuard(r.Digest)
	if err != nil {
		return err
	}
	defer g.release()
	if err := g.try(unix.LOCK_EX); err != nil {
		return err
	}
	if s.whole(r.Digest) {
		return nil
	}
	return s.build(ctx, d, r, tell)
}

// whole reports whether an environment is there.
func (s *Store) whole(digest string) bool {
	_, err := os.Stat(filepath.Join(s.prefix(digest), stampFile))
	return err == nil
}

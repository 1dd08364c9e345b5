package pyenv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quire"
)

var digestName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// shortestDigest is how much of a digest names an environment.
const shortestDigest = 8

// List returns the environments, the one that was used last first, without
// their locks.
func (s *Store) List(ctx context.Context) ([]quire.Environment, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	var list []quire.Environment
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !digestName.MatchString(entry.Name()) {
			continue
		}
		if e, found, err := s.read(entry.Name()); err != nil {
			return nil, err
		} else if found {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b quire.Environment) int {
		return cmp.Or(b.UsedAt.Compare(a.UsedAt), cmp.Compare(a.Digest, b.Digest))
	})
	return list, nil
}

// Get returns one environment with its lock. Digest may be the start of one,
// of eight characters at least, that only one has.
func (s *Store) Get(ctx context.Context, digest string) (quire.Environment, error) {
	list, err := s.List(ctx)
	if err != nil {
		return quire.Environment{}, err
	}
	list = slices.DeleteFunc(list, func(e quire.Environment) bool {
		return len(digest) < shortestDigest || !strings.HasPrefix(e.Digest, digest)
	})
	if len(list) != 1 {
		return quire.Environment{}, &quire.Error{
			Code: quire.NotFound, Field: "digest", Message: fmt.Sprintf("%.100q is the digest of %d environments", digest, len(list)),
		}
	}
	text, err := os.ReadFile(filepath.Join(s.prefix(list[0].Digest), lockFile))
	if err != nil {
		return quire.Environment{}, fmt.Errorf("read lock: %w", err)
	}
	list[0].Lock = string(text)
	return list[0], nil
}

// read returns an environment as its stamp has it.
func (s *Store) read(digest string) (quire.Environment, bool, error) {
	var e quire.Environment
	stamp := filepath.Join(s.prefix(digest), stampFile)
	found, err := readJSON(stamp, &e)
	if err != nil || !found {
		return e, false, err
	}
	if info, err := os.Stat(stamp); err == nil {
		e.UsedAt = info.ModTime().UTC()
	}
	g, err := s.openGuard(digest)
	if err != nil {
		return e, false, err
	}
	defer g.release()
	e.InUse = errors.Is(g.try(unix.LOCK_EX), errBusy)
	return e, true, nil
}

// Remove removes an environment that nobody uses. Its lock is kept: whoever
// needs it again gets the same one.
func (s *Store) Remove(ctx context.Context, digest string) error {
	e, err := s.Get(ctx, digest)
	if err != nil {
		return err
	}
	err = s.remove(e.Digest)
	if errors.Is(err, errBusy) {
		return quire.Errorf(quire.FailedPrecondition, "the environment %s is in use", e.Digest)
	}
	if err == nil {
		s.forgetPackages(ctx, []quire.Environment{e})
	}
	return err
}

func (s *Store) remove(digest string) error {
	g, err := s.openGuard(digest)
	if err != nil {
		return err
	}
	defer g.release()
	if err := g.try(unix.LOCK_EX); err != nil {
		return err
	}
	gone := s.path(buildingDir, digest+"-"+quire.NewID())
	_ = os.Chmod(s.prefix(digest), 0o700) // a folder can be moved by who may write to it
	if err := os.Rename(s.prefix(digest), gone); err != nil {
		return fmt.Errorf("remove environment: %w", err)
	}
	s.destroy(gone)
	return nil
}

// collectPause is the time between two collections.
const collectPause = time.Hour

// Run collects now and then until ctx ends.
func (s *Store) Run(ctx context.Context, logger *slog.Logger) {
	for {
		removed, err := s.Collect(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			logger.Error("collect environments", "error", err)
		}
		if removed > 0 {
			logger.Info("unused environments were removed", "count", removed)
		}
		select {
		case <-time.After(collectPause):
		case <-ctx.Done():
			return
		}
	}
}

// Collect removes environments that were not used for long, and of more than
// are to be kept those that were used least lately, none that is in use. It
// returns how many. What builders that died have left is removed too.
func (s *Store) Collect(ctx context.Context, now time.Time) (int, error) {
	list, err := s.List(ctx)
	if err != nil {
		return 0, err
	}
	oldest := now.Add(-cmp.Or(s.settings.MaxUnused, defaultMaxUnused))
	kept := cmp.Or(s.settings.MaxKept, defaultMaxKept)
	var removed []quire.Environment
	for i, e := range list {
		if e.InUse || i < kept && e.UsedAt.After(oldest) {
			continue
		}
		if err := s.remove(e.Digest); err != nil && !errors.Is(err, errBusy) {
			return len(removed), err
		} else if err == nil {
			removed = append(removed, e)
		}
	}
	s.sweep(now)
	s.forgetPackages(ctx, removed)
	return len(removed), nil
}

// maxResolutions bounds how many resolutions and locks are remembered.
const maxResolutions = 10_000

// staleAfter is the age at which what lies among the growing is nobody's.
const staleAfter = 2 * buildLimit

// sweep removes what dead builders left, and the oldest resolutions.
func (s *Store) sweep(now time.Time) {
	entries, err := os.ReadDir(filepath.Join(s.dir, buildingDir))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > staleAfter {
			s.destroy(s.path(buildingDir, entry.Name()))
		}
	}
	for _, folder := range []string{resolvedDir, locksDir} {
		s.forgetOldest(folder, maxResolutions)
	}
}

func (s *Store) forgetOldest(folder string, keep int) {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil || len(entries) <= keep {
		return
	}
	modified := map[string]time.Time{}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			modified[entry.Name()] = info.ModTime()
		}
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return modified[a.Name()].Compare(modified[b.Name()]) })
	for _, entry := range entries[:len(entries)-keep] {
		_ = os.Remove(s.path(folder, entry.Name())) // or the next time
	}
}

// forgetLimit bounds the wait for uv's cache, which others may be using.
const forgetLimit = time.Minute

// forgetPackages lets uv drop from the store's own cache the packages that no
// environment has any more: it shares their files, so that removing the
// environments alone would free nothing.
func (s *Store) forgetPackages(ctx context.Context, removed []quire.Environment) {
	if len(removed) == 0 || s.settings.Cache != "" {
		return
	}
	left, err := s.List(ctx)
	if err != nil {
		return
	}
	used := map[string]bool{}
	for _, e := range left {
		for _, p := range e.Packages {
			used[p.Name] = true
		}
	}
	args := []string{"cache", "clean", "--quiet"}
	for _, e := range removed {
		for _, p := range e.Packages {
			if !used[p.Name] {
				used[p.Name] = true
				args = append(args, p.Name)
			}
		}
	}
	if len(args) == 3 {
		return // no name would mean all
	}
	ctx, cancel := context.WithTimeout(ctx, forgetLimit)
	defer cancel()
	_, _ = s.uv(ctx, uvCommand{args: args}) // the next installation fetches it again, or not
}

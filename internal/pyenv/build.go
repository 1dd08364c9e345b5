package pyenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quire"
)

// Tell is told how far the making of an environment is. It is called by one
// goroutine at a time.
type Tell func(quire.EnvironmentProgress)

// The files that Quire puts into an environment. The first is written last.
const (
	stampFile = "quire.json"
	lockFile  = "quire.lock"
)

// build makes an environment beside its place and moves it there when it is
// whole and on disk. The caller has its guard alone.
func (s *Store) build(ctx context.Context, d quire.EnvironmentDeclaration, r resolution, tell Tell) error {
	text, err := os.ReadFile(s.path(locksDir, r.Digest+".txt"))
	if err != nil {
		return fmt.Errorf("read lock: %w", err)
	}
	l, err := parseLock(string(text))
	if err != nil {
		return err
	}
	if digest(string(text)) != r.Digest {
		return errors.New("read lock: it is not the one that was kept")
	}
	s.clearBuilds(r.Digest)
	dir := s.path(buildingDir, r.Digest+"-"+quire.NewID())
	defer s.destroy(dir)
	err = s.install(ctx, dir, r, l, tell)
	if f, ok := errors.AsType[*failed](err); ok {
		return &quire.Error{
			Code: quire.FailedPrecondition, Err: f.err,
			Message: fmt.Sprintf("the Python environment that %s declares cannot be installed: %s", d.Path, explain(f.stderr)),
		}
	}
	if err != nil {
		return err
	}
	if err := finish(dir, r, l); err != nil {
		return fmt.Errorf("build environment: %w", err)
	}
	s.destroy(s.prefix(r.Digest)) // without its stamp it is none
	if err := os.Rename(dir, s.prefix(r.Digest)); err != nil {
		return fmt.Errorf("build environment: %w", err)
	}
	// Only now: a folder can be moved by who may write to it.
	if err := os.Chmod(s.prefix(r.Digest), 0o555); err != nil {
		return fmt.Errorf("build environment: %w", err)
	}
	return syncFolder(s.dir)
}

// install lets uv make the folder dir an environment of what is locked.
func (s *Store) install(ctx context.Context, dir string, r resolution, l lock, tell Tell) error {
	t := &teller{tell: tell, total: int32(len(l))} //nolint:gosec // thousands at most
	t.say(quire.EnvironmentInstalling, "")
	// Relocatable: its scripts must work in the place that it will be moved to.
	_, err := s.uv(ctx, uvCommand{args: []string{"venv", "--quiet", "--no-project", "--relocatable", "--python", r.Python.Path, dir}})
	if err != nil {
		return err
	}
	lockPath := filepath.Join(dir, lockFile)
	if err := os.WriteFile(lockPath, []byte(l.text(r.Python)), 0o600); err != nil {
		return fmt.Errorf("build environment: %w", err)
	}
	_, err = s.uv(ctx, uvCommand{packages: true, lines: t.line, dir: dir, args: []string{
		"pip", "sync", lockFile, "--require-hashes", "--link-mode", "hardlink",
		"--python", filepath.Join(dir, "bin", "python"),
	}})
	if err != nil {
		return err
	}
	t.done = t.total
	t.say(quire.EnvironmentCompiling, "")
	if err := s.compileModules(ctx, dir, r); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "share", "jupyter", "kernels", "python3", "kernel.json")); err != nil {
		return quire.Errorf(quire.FailedPrecondition, "the %s of the Python environment brings no kernel along", kernelPackage)
	}
	return nil
}

// compileModules compiles what was installed, for a kernel's first start would
// take seconds otherwise. It is done by the Python below, without its site: that
// of the environment runs what a package has put into a .pth file, and a package
// is a stranger. Nothing of an environment is run before its notebook is.
func (s *Store) compileModules(ctx context.Context, dir string, r resolution) error {
	_, err := s.run(ctx, command{
		program: r.Python.Path, env: []string{"PATH=" + os.Getenv("PATH")},
		// The paths in the modules are those after the move.
		args: []string{"-I", "-S", "-m", "compileall", "-qq", "-j", "0", "-s", dir, "-p", s.prefix(r.Digest), filepath.Join(dir, "lib")},
	})
	if _, ok := errors.AsType[*failed](err); ok {
		return nil // a package may carry files of another Python
	}
	return err
}

// finish takes away everybody's right to change the environment, stamps it and
// puts it on disk: after a crash of the machine what is in its place is whole.
func finish(dir string, r resolution, l lock) error {
	e := quire.Environment{
		Digest: r.Digest, Python: r.Python.Version, Platform: r.Python.Platform, Source: r.Source,
		Packages: l.packages(), Added: r.Added, CreatedAt: time.Now().UTC(),
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != dir {
			return os.Chmod(path, 0o555)
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			e.Bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		return err
	}
	stamp, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, stampFile), stamp, 0o600); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd())) //nolint:gosec // a file descriptor
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// clearBuilds removes what builders that died have left of an environment.
// The caller has its guard alone.
func (s *Store) clearBuilds(digest string) {
	left, err := filepath.Glob(s.path(buildingDir, digest+"-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		s.destroy(dir)
	}
}

// destroy removes a folder whose folders may be closed to writing. What cannot
// be removed now is found by Collect.
func (s *Store) destroy(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}

// teller makes progress of what uv writes.
type teller struct {
	tell        Tell
	done, total int32
}

func (t *teller) say(phase quire.EnvironmentPhase, name string) {
	t.tell(quire.EnvironmentProgress{Phase: phase, Package: name, Done: t.done, Total: t.total})
}

// line reads one line of uv's. Packages that are small or in its cache have
// none of their own.
func (t *teller) line(text string) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return
	}
	switch words[0] {
	case "Downloading", "Building":
		t.say(quire.EnvironmentInstalling, words[1])
	case "Downloaded", "Built":
		t.done = min(t.done+1, t.total)
		t.say(quire.EnvironmentInstalling, words[1])
	}
}

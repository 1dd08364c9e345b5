package executor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// tmpFolders are a kernel's private temporary folders, below one that is
// removed with the execution. /dev/shm stays the machine's.
type tmpFolders struct{ dir string }

// covered are the machine's folders that private ones are mounted over, by the
// name of the private one.
var covered = map[string]string{"tmp": "/tmp", "var-tmp": "/var/tmp"} //nolint:gochecknoglobals // a constant table

// path is the folder that stands in for /tmp.
func (t tmpFolders) path() string { return filepath.Join(t.dir, "tmp") }

// make makes the folders. Like /tmp they are everybody's: a notebook may run
// programs as others.
func (t tmpFolders) make() error {
	for name := range covered {
		path := filepath.Join(t.dir, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777|fs.ModeSticky)); err != nil {
			return fmt.Errorf("make private /tmp: %w", err)
		}
	}
	return nil
}

// remove removes them with all that the notebook has left.
func (t tmpFolders) remove() error {
	var errs []error
	for name := range covered {
		errs = append(errs, removeTree(filepath.Join(t.dir, name)))
	}
	return errors.Join(errs...)
}

// mount gives the calling thread, and what it forks, a mount namespace in
// which the private folders lie over the machine's. The paths in visible stay
// what they were. The namespace ends with its last process, and so do the
// mounts, of which nobody else sees anything.
func (t tmpFolders) mount(visible []string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	// What is mounted outside later is seen inside, but not the reverse.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("separate mounts: %w", err)
	}
	names := []string{"var-tmp", "tmp"}
	for _, name := range names {
		for _, path := range below(visible, covered[name]) {
			if err := bind(path, filepath.Join(t.dir, name, strings.TrimPrefix(path, covered[name]))); err != nil {
				return err
			}
		}
	}
	// The one that hides the private folders themselves goes last.
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(len(below([]string{t.dir}, covered[a])), len(below([]string{t.dir}, covered[b])))
	})
	for _, name := range names {
		if info, err := os.Lstat(covered[name]); err != nil || !info.IsDir() {
			continue // a link to the other one, or not there
		}
		if err := unix.Mount(filepath.Join(t.dir, name), covered[name], "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount over %s: %w", covered[name], err)
		}
	}
	return nil
}

// below returns those of paths that lie below dir, without those that lie
// below another one of them.
func below(paths []string, dir string) []string {
	var found []string
	for _, path := range slices.Sorted(slices.Values(paths)) {
		inside := strings.HasPrefix(path, dir+"/")
		covered := slices.ContainsFunc(found, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
		if inside && !covered {
			found = append(found, path)
		}
	}
	return found
}

// bind shows path at target, which it makes. A path that is not there is none.
func bind(path, target string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // the notebook would not have found it either
	}
	dir := target
	if !info.IsDir() {
		dir = filepath.Dir(target)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("show a folder in private /tmp: %w", err)
	}
	if !info.IsDir() {
		if err := os.WriteFile(target, nil, 0o600); err != nil {
			return fmt.Errorf("show a file in private /tmp: %w", err)
		}
	}
	if err := unix.Mount(path, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s in private /tmp: %w", filepath.Base(path), err)
	}
	return nil
}

// removeTree removes a folder in which a notebook may have taken rights away
// from its own user.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) //nolint:gosec // it is a folder
		}
		return nil
	})
	return os.RemoveAll(dir)
}

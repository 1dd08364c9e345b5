package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Parent is a place for groups: a folder of its own in each hierarchy that is
// of use, below this process's own group, whose limits hold on.
type Parent struct {
	dirs    []string
	version int
}

// leafName is the group that a server moves to, away from its own, before it
// gives controllers to that one's children: in version 2 a group has either
// processes or children with controllers.
const leafName = "quire-server"

// Open makes the place of that name or finds it again. Its error says why
// memory or processes can't be limited here; nothing is then changed.
func Open(name string) (*Parent, error) { return open("/proc/self", name) }

func open(proc, name string) (_ *Parent, err error) {
	all, err := own(proc)
	if err != nil {
		return nil, err
	}
	p := &Parent{}
	defer func() {
		if err != nil {
			p.Remove()
		}
	}()
	// Version 1 comes first: what it has is no controller of version 2's.
	slices.SortStableFunc(all, func(a, b hierarchy) int { return a.version - b.version })
	var have []string
	var refused []error
	for _, h := range all {
		if h.version == 2 {
			h.controllers = slices.DeleteFunc(h.controllers, func(c string) bool { return slices.Contains(have, c) })
		}
		dir, err := h.place(name)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		p.dirs = append(p.dirs, dir)
		have = append(have, h.controllers...)
		if h.has("memory") {
			p.version = h.version
		}
	}
	for _, c := range []string{"memory", "pids"} {
		if !slices.Contains(have, c) {
			return nil, fmt.Errorf("no group with the %s controller can be made: %w", c, errors.Join(append(refused, errNone)...))
		}
	}
	return p, nil
}

var errNone = errors.New("no other is mounted")

// place makes the folder name for groups in the hierarchy.
func (h hierarchy) place(name string) (string, error) {
	base := h.dir
	if h.version == 2 {
		var err error
		if base, err = h.share(); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(base, name)
	return dir, reason(makePlace(dir))
}

// makePlace makes a folder for groups and, in version 2, gives them all the
// controllers that it has got itself.
func makePlace(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if !isV2(dir) {
		return nil
	}
	there, err := controllersOf(dir)
	if err == nil {
		err = enable(dir, there)
	}
	if err != nil {
		return errors.Join(err, os.Remove(dir))
	}
	return nil
}

// share returns a group of version 2 whose children have the controllers:
// where systemd has put this process into a part of what it delegates
// (DelegateSubgroup=), the whole of that, else this process's own.
func (h hierarchy) share() (string, error) {
	above := filepath.Dir(h.dir)
	if h.dir != h.mount && (filepath.Base(h.dir) == leafName || delegated(above)) {
		return above, reason(enable(above, h.controllers))
	}
	if len(h.controllers) == 0 || !exists(filepath.Join(h.dir, eventsFile)) {
		return h.dir, reason(enable(h.dir, h.controllers)) // the root may have both
	}
	if delegated(h.dir) {
		// systemd puts the next server there and could not, while an
		// executor's limits hold below it.
		return "", errors.New("the unit has Delegate= without DelegateSubgroup=")
	}
	return h.dir, h.stepAside()
}

// stepAside moves this process to a leaf, and back again if others are left
// that keep the controllers from being given.
func (h hierarchy) stepAside() error {
	leaf := filepath.Join(h.dir, leafName)
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return reason(err)
	}
	pid := strconv.Itoa(os.Getpid())
	err := write(filepath.Join(leaf, procsFile), pid)
	if err == nil {
		if err = enable(h.dir, h.controllers); err == nil {
			return nil
		}
		_ = write(filepath.Join(h.dir, procsFile), pid)
	}
	_ = os.Remove(leaf)
	return reason(err)
}

// enable gives controllers to the children of a group.
func enable(dir string, controllers []string) error {
	data, err := os.ReadFile(filepath.Join(dir, subtreeFile))
	if err != nil {
		return err
	}
	there := strings.Fields(string(data))
	for _, c := range controllers {
		if slices.Contains(there, c) {
			continue
		}
		if err := write(filepath.Join(dir, subtreeFile), "+"+c); err != nil {
			return err
		}
	}
	return nil
}

// delegated reports whether systemd has marked a group as its unit's own.
func delegated(dir string) bool {
	var value [8]byte
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// reason keeps of an error what is the same on all machines.
func reason(err error) error {
	var errno unix.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EBUSY):
		return errors.New("the server's group has other processes")
	case errors.As(err, &errno):
		return errno
	}
	return err
}

// Version returns which version limits the memory: 1 or 2.
func (p *Parent) Version() int { return p.version }

// Paths returns the folders that the group of that name has, made or not. It
// is all that Create and Find need, in another process too.
func (p *Parent) Paths(name string) []string {
	paths := make([]string, len(p.dirs))
	for i, dir := range p.dirs {
		paths[i] = filepath.Join(dir, name)
	}
	return paths
}

// Names returns the names of the groups that are there.
func (p *Parent) Names() ([]string, error) {
	var names []string
	for _, dir := range p.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list groups: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && !slices.Contains(names, e.Name()) {
				names = append(names, e.Name())
			}
		}
	}
	return names, nil
}

// Remove takes the place away if it holds no group.
func (p *Parent) Remove() {
	for _, dir := range p.dirs {
		_ = os.Remove(dir)
	}
}

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Parent is a place for groups: a folder of its own in each hierarchy that is
// of use, below this process's own group, whose limits hold on. Where this
// process can stand beside its place, in a leaf, the place yields to it: what
// runs below gets the processors that the server doesn't need. That is always
// between the two alone; to others they are like any group.
type Parent struct {
	dirs    []string
	version int
	house   string // of version 1: what the place and this process's leaf are in
}

// leafName is the group that a server moves to, away from its own: to stand
// beside its place, and because a group of version 2 has either processes or
// children with controllers.
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
		dir, err := p.place(h, name)
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
func (p *Parent) place(h hierarchy, name string) (string, error) {
	base, apart, err := h.dir, false, error(nil)
	switch {
	case h.version == 2:
		base, apart, err = h.share()
	case h.has("cpu"):
		base, apart = p.makeHouse(h, name)
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, name)
	if err := makePlace(dir); err != nil {
		return "", reason(err)
	}
	if apart {
		letYield(dir)
	}
	return dir, nil
}

// makeHouse makes a group of version 1 for this process and the place, with the
// name of the place, and moves this process to a leaf in it. Where it can't,
// the place is made without.
func (p *Parent) makeHouse(h hierarchy, name string) (base string, apart bool) {
	above := h.dir
	if filepath.Base(above) == leafName { // of a server that has started this one
		above = filepath.Dir(filepath.Dir(above))
	}
	house := filepath.Join(above, name)
	if !madeOrThere(os.Mkdir(house, 0o755)) {
		return above, false
	}
	if !exists(filepath.Join(house, "cpu.idle")) || toLeaf(house) != nil {
		_ = os.Remove(house)
		return above, false
	}
	p.house = house
	return house, true
}

// toLeaf moves this process to a leaf below dir.
func toLeaf(dir string) error {
	leaf := filepath.Join(dir, leafName)
	if err := os.Mkdir(leaf, 0o755); !madeOrThere(err) {
		return err
	}
	if err := enter(leaf); err != nil {
		return errors.Join(err, os.Remove(leaf))
	}
	return nil
}

// enter moves this process, with all its threads, to the group.
func enter(dir string) error { return write(filepath.Join(dir, procsFile), "0") }

// madeOrThere reports whether err, of a Mkdir, leaves a folder there.
func madeOrThere(err error) bool { return err == nil || errors.Is(err, fs.ErrExist) }

// makePlace makes a folder for groups and, in version 2, gives them all the
// controllers that it has got itself.
func makePlace(dir string) error {
	if err := os.Mkdir(dir, 0o755); !madeOrThere(err) {
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

// share returns a group of version 2 whose children have the controllers, and
// whether this process is in one of them: where systemd has put it into a part
// of what it delegates (DelegateSubgroup=), the whole of that, else its own.
func (h hierarchy) share() (dir string, apart bool, err error) {
	above := filepath.Dir(h.dir)
	if h.dir != h.mount && (filepath.Base(h.dir) == leafName || delegated(above)) {
		return above, true, reason(enable(above, h.controllers))
	}
	if len(h.controllers) == 0 || !exists(filepath.Join(h.dir, eventsFile)) {
		return h.dir, false, reason(enable(h.dir, h.controllers)) // the root may have both
	}
	if delegated(h.dir) {
		// systemd puts the next server there and could not, while an
		// executor's limits hold below it.
		return "", false, errors.New("the unit has Delegate= without DelegateSubgroup=")
	}
	return h.dir, true, h.stepAside()
}

// stepAside moves this process to a leaf, and back again if others are left
// that keep the controllers from being given.
func (h hierarchy) stepAside() error {
	err := toLeaf(h.dir)
	if err == nil {
		if err = enable(h.dir, h.controllers); err == nil {
			return nil
		}
		_ = enter(h.dir)
		_ = os.Remove(filepath.Join(h.dir, leafName))
	}
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
			if e.IsDir() && e.Name() != executorsName && !slices.Contains(names, e.Name()) {
				names = append(names, e.Name())
			}
		}
	}
	return names, nil
}

// Remove takes the place away if it holds no group, and lets this process go
// back to where it was.
func (p *Parent) Remove() {
	if p.house != "" {
		_ = enter(filepath.Dir(p.house))
	}
	for _, dir := range p.dirs {
		_ = os.Remove(filepath.Join(dir, executorsName))
		_ = os.Remove(dir)
	}
	if p.house != "" {
		_ = os.Remove(filepath.Join(p.house, leafName))
		_ = os.Remove(p.house)
	}
}

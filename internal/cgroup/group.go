package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Group holds processes: one folder in each hierarchy.
type Group struct{ dirs []string }

// Create makes the group at the paths, which are a Parent's, and limits it. A
// group that is there already, left by a start that failed half-way, is
// emptied first.
func Create(paths []string, limits Limits) (*Group, error) {
	g := &Group{dirs: paths}
	if err := g.make(); err != nil {
		return nil, errors.Join(fmt.Errorf("make group: %w", err), g.rmdir())
	}
	if err := g.Limit(limits); err != nil {
		return nil, errors.Join(err, g.rmdir())
	}
	return g, nil
}

func (g *Group) make() error {
	if err := Find(g.dirs).Remove(); err != nil {
		return err
	}
	for _, dir := range g.dirs {
		if err := mkdir(dir); err != nil {
			return err
		}
	}
	return nil
}

// mkdir makes a group, and the place for it where the last group to go has
// taken that along.
func mkdir(dir string) error {
	var err error
	for range makeTries {
		if err = os.Mkdir(dir, 0o755); !gone(err) {
			return err
		}
		if err := makePlace(filepath.Dir(dir)); err != nil && !gone(err) {
			return err
		}
	}
	return fmt.Errorf("%s: %w", filepath.Base(dir), err)
}

// gone reports whether err says that a group has just gone: Linux answers
// ENODEV to whoever has come to it while it went.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// makeTries bounds the race with groups that go meanwhile.
const makeTries = 10

// Find returns the group at the paths. One that is not there any more holds
// nothing; a path that is no control group's is left out.
func Find(paths []string) *Group {
	g := &Group{}
	for _, dir := range paths {
		if filepath.IsAbs(dir) && onCgroupFS(dir) {
			g.dirs = append(g.dirs, dir)
		}
	}
	return g
}

// Paths returns the group's folders.
func (g *Group) Paths() []string { return g.dirs }

// file returns the interface file of that name, or "" if no hierarchy has it.
func (g *Group) file(name string) string {
	for _, dir := range g.dirs {
		if path := filepath.Join(dir, name); exists(path) {
			return path
		}
	}
	return ""
}

// period is what a quota of processor time is counted in.
const period = 100 * time.Millisecond

// Limit sets the limits, of which one that is zero changes nothing.
func (g *Group) Limit(l Limits) error {
	if err := g.limit(l); err != nil {
		return fmt.Errorf("limit group: %w", err)
	}
	return nil
}

// limit writes the limits into the files of whichever version has them.
func (g *Group) limit(l Limits) error {
	if l.Memory > 0 {
		bytes := strconv.FormatInt(l.Memory, 10)
		if err := g.set(bytes, "memory.limit_in_bytes", "memory.max"); err != nil {
			return err
		}
		// Without swap in the limit a notebook would slow the machine down
		// instead of ending. Not every machine counts it.
		if path := g.file("memory.memsw.limit_in_bytes"); path != "" {
			if err := write(path, bytes); err != nil {
				return err
			}
		}
		if path := g.file("memory.swap.max"); path != "" {
			if err := write(path, "0"); err != nil {
				return err
			}
		}
	}
	if l.Processes > 0 {
		if err := g.set(strconv.Itoa(l.Processes), "pids.max"); err != nil {
			return err
		}
	}
	if l.CPUs > 0 && g.LimitsCPU() {
		return g.limitCPU(int64(l.CPUs * float64(period.Microseconds())))
	}
	return nil
}

// LimitsCPU reports whether the group can limit processor time.
func (g *Group) LimitsCPU() bool { return g.file("cpu.cfs_quota_us") != "" || g.file("cpu.max") != "" }

func (g *Group) limitCPU(quota int64) error {
	us := strconv.FormatInt(period.Microseconds(), 10)
	if path := g.file("cpu.cfs_quota_us"); path != "" {
		return errors.Join(write(g.file("cpu.cfs_period_us"), us), write(path, strconv.FormatInt(quota, 10)))
	}
	return write(g.file("cpu.max"), strconv.FormatInt(quota, 10)+" "+us)
}

// set writes value into the first of the files that is there.
func (g *Group) set(value string, names ...string) error {
	for _, name := range names {
		if path := g.file(name); path != "" {
			return write(path, value)
		}
	}
	return fmt.Errorf("%s: %w", names[0], fs.ErrNotExist)
}

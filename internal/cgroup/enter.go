package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Enter moves the calling thread into the group, in the hierarchies of version
// 1: what it forks is born there. The caller has locked itself to the thread,
// forks, and calls leave.
func (g *Group) Enter() (leave func() error, err error) {
	var entered, origins []string
	for _, dir := range g.dirs {
		if !isV2(dir) {
			entered = append(entered, dir)
		}
	}
	if len(entered) == 0 {
		return func() error { return nil }, nil
	}
	all, err := own("/proc/thread-self")
	if err != nil {
		return nil, err
	}
	for _, dir := range entered {
		for _, h := range all {
			if h.version == 1 && strings.HasPrefix(dir, h.mount+"/") {
				origins = append(origins, h.dir)
			}
		}
	}
	leave = func() error { return moveThread(origins) }
	if len(origins) != len(entered) {
		return nil, errors.New("enter group: it is of no mounted hierarchy")
	}
	if err := moveThread(entered); err != nil {
		return nil, errors.Join(fmt.Errorf("enter group: %w", err), leave())
	}
	return leave, nil
}

// moveThread moves the calling thread alone, not its process.
func moveThread(dirs []string) error {
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, write(filepath.Join(dir, tasksFile), "0"))
	}
	return errors.Join(errs...)
}

// Folder opens the group's folder of version 2, into which a process can be
// cloned (SysProcAttr.CgroupFD). It is nil where there is none.
func (g *Group) Folder() (*os.File, error) {
	for _, dir := range g.dirs {
		if isV2(dir) {
			f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
			if err != nil {
				return nil, fmt.Errorf("open group: %w", err)
			}
			return f, nil
		}
	}
	return nil, nil //nolint:nilnil // as the comment says
}

// Add moves a process, with one thread so far, into the group.
func (g *Group) Add(pid int) error {
	var errs []error
	for _, dir := range g.dirs {
		errs = append(errs, write(filepath.Join(dir, procsFile), strconv.Itoa(pid)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("add to group: %w", err)
	}
	return nil
}

package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// endLimit bounds the ending of a group's processes: one in an uninterruptible
// system call does not die before it returns.
const endLimit = 2 * time.Second

// endPause is the time between two looks at a group that ends: its processes
// die one after the other, and version 1 tells nobody.
const endPause = time.Millisecond

// ErrBusy says that processes of a group could not be killed in time.
var ErrBusy = errors.New("processes of the group cannot be killed")

// Kill kills every process of the group, those in groups below it too, and
// returns when none is left, or ErrBusy. This process is spared.
func (g *Group) Kill() error {
	// Nothing new is born while the old is killed.
	for _, dir := range g.tree() {
		if path := filepath.Join(dir, "pids.max"); exists(path) {
			_ = write(path, "0") // without it the loop takes a few more turns
		}
		if path := filepath.Join(dir, killFile); exists(path) {
			_ = write(path, "1") // the loop does it as well
		}
	}
	return eventually(func() bool {
		pids := g.processes()
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended just now
		}
		return len(pids) == 0
	})
}

// Remove kills what is left in the group and removes it. It is idempotent.
func (g *Group) Remove() error {
	if err := g.Kill(); err != nil {
		return err
	}
	var last error
	if eventually(func() bool { last = g.rmdir(); return last == nil }) != nil {
		return fmt.Errorf("remove group: %w", last)
	}
	for _, dir := range g.dirs {
		_ = os.Remove(filepath.Dir(dir)) // if it was the last group there
	}
	return nil
}

// rmdir removes the folders, the lower ones first. A process that has just
// ended may keep one busy for a moment.
func (g *Group) rmdir() error {
	var errs []error
	for _, dir := range slices.Backward(g.tree()) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tree returns the group's folders and those that its processes have made in
// them, the upper ones first.
func (g *Group) tree() []string {
	var dirs []string
	for _, root := range g.dirs {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil //nolint:nilerr // what has gone meanwhile is what is wanted
		})
	}
	return dirs
}

// processes returns the ids of the group's processes but this one.
func (g *Group) processes() []int {
	var pids []int
	for _, dir := range g.tree() {
		data, err := os.ReadFile(filepath.Join(dir, procsFile))
		if err != nil {
			continue
		}
		for line := range bytes.Lines(data) {
			pid, err := strconv.Atoi(string(bytes.TrimSpace(line)))
			// 0 stands for a process of another namespace.
			if err == nil && pid > 0 && pid != os.Getpid() && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func eventually(done func() bool) error {
	deadline := time.Now().Add(endLimit)
	for !done() {
		if time.Now().After(deadline) {
			return ErrBusy
		}
		<-time.After(endPause)
	}
	return nil
}

// Package cgroup bounds, counts and ends processes by Linux control groups: of
// version 1, of version 2, or of both where a machine has a mix of them. A
// Parent is a server's place for groups, a Group holds the processes of one
// execution.
//
// What the limits are to be, and what to do where groups can't be made, is for
// others to say.
package cgroup

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits bound the processes of a group together. Zero means no limit.
type Limits struct {
	Memory    int64   // bytes, swap included
	CPUs      float64 // processors' worth of time
	Processes int     // processes and threads
}

// The interface files that tell the versions apart.
const (
	controllersFile = "cgroup.controllers" // version 2 only
	eventsFile      = "cgroup.events"      // version 2, and not in the root
	subtreeFile     = "cgroup.subtree_control"
	procsFile       = "cgroup.procs"
	killFile        = "cgroup.kill" // version 2 since Linux 5.14
	tasksFile       = "tasks"       // version 1 only
)

// write changes an interface file. It never creates one.
func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close() // the value is taken, or refused, by the write
	_, err = f.WriteString(value)
	return err
}

// readNumber reads an interface file that holds one number; "max" and what
// can't be read are false.
func readNumber(path string) (int64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64)
	return n, err == nil
}

// readKeyed reads one number of a file of lines "key number".
func readKeyed(path, key string) (int64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == key {
			n, err := strconv.ParseInt(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// isV2 reports whether dir is of version 2.
func isV2(dir string) bool { return exists(filepath.Join(dir, controllersFile)) }

// onCgroupFS reports whether dir lies in a file system of control groups:
// nothing else is ever killed in or removed, whatever a handle says.
func onCgroupFS(dir string) bool {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return false
	}
	return fs.Type == unix.CGROUP_SUPER_MAGIC || fs.Type == unix.CGROUP2_SUPER_MAGIC
}

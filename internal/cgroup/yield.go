package cgroup

import (
	"os"
	"path/filepath"
)

// executorsName is the group beside those of the executions, in a place that
// yields, that Yield moves to.
const executorsName = "executors"

// letYield has all below a place yield to the processes beside it: they get
// what those leave of the processors, and a process beside it that wakes runs
// at once (cpu.idle, since Linux 5.15). It does nothing where that can't be.
func letYield(place string) {
	group := filepath.Join(place, executorsName)
	if write(filepath.Join(place, "cpu.idle"), "1") != nil || !madeOrThere(os.Mkdir(group, 0o755)) {
		return
	}
	// An executor uses little, and a notebook waits for it: it is not to
	// stand in line with dozens of kernels. Either file is of one version.
	_ = write(filepath.Join(group, "cpu.shares"), "8192") // eight times the usual
	_ = write(filepath.Join(group, "cpu.weight"), "800")
}

// Yield moves this process to where it yields to the server whose groups the
// paths are, if there is such a place: see Parent.
//
// It also makes quick what comes in the next few milliseconds, the move of a
// process into a group, by whomever. Linux has such a move wait until no
// processor forks or ends a thread any more, some 10 ms long, and spares those
// that come right after it. Where there is no place to yield in, the move is
// one that changes nothing. All threads move, so Enter waits for the end of
// Yield; nothing else need.
func Yield(paths []string) {
	for _, path := range paths {
		if group := filepath.Join(filepath.Dir(path), executorsName); onCgroupFS(group) {
			_ = enter(group) // it is as good a notebook without
			return
		}
	}
	if all, err := own("/proc/self"); err == nil && len(all) > 0 {
		_ = enter(all[0].dir)
	}
}

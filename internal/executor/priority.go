package executor

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Lower gives the group and the session that a process leads a niceness. Where
// Linux shares out the processors by session, a process's own counts only among
// those of its session (sched(7)).
func Lower(leader, niceness int) {
	// For the group: a process's own is on Linux that of one thread.
	_ = unix.Setpriority(unix.PRIO_PGRP, leader, niceness) // refused only where it is lower already, or has ended
	// Not every kernel has the file, and one who is not root is refused for a
	// moment after another such write.
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(leader), "autogroup"), strconv.AppendInt(nil, int64(niceness), 10), 0)
}

// yieldSession gives a kernel this process's niceness: one that was forked has
// its fork server's. It has no threads yet.
func yieldSession(pid int) {
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the niceness: getpriority(2)
	if err != nil || inverse == 20 {
		return
	}
	Lower(pid, 20-inverse)
}

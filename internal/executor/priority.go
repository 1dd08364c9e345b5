package executor

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// yieldSession gives the session that a process leads this process's niceness.
// Where Linux shares out the processors by session, a process's own counts only
// among those of its session (sched(7)).
func yieldSession(pid int) {
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the niceness: getpriority(2)
	if err != nil || inverse == 20 {
		return
	}
	// A forked kernel has its fork server's niceness. It has no threads yet.
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, 20-inverse)
	// Not every kernel has the file, and one who is not root is refused for a
	// moment after another such write.
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(pid), "autogroup"), strconv.AppendInt(nil, int64(20-inverse), 10), 0)
}

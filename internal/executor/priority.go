package executor

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is what executors, kernels and all they start yield by: notebooks
// that take every processor must not keep the server from answering.
const niceness = 10

// yield lowers the priority of this process, which leads its group, and of all
// that it will start. It is no reason not to run that it fails.
func yield(logger *slog.Logger) {
	// For the group: a process's own is on Linux that of one thread.
	if err := unix.Setpriority(unix.PRIO_PGRP, 0, niceness); err != nil {
		logger.Warn("cannot lower the priority", "error", err)
	}
	yieldSession(os.Getpid())
}

// yieldSession gives the session that a process leads this process's niceness.
// Where Linux shares out the processors by session, a process's own counts only
// among those of its session (sched(7)).
func yieldSession(pid int) {
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the niceness: getpriority(2)
	if err != nil || inverse == 20 {
		return
	}
	// Not every kernel has the file, and one who is not root is refused for a
	// moment after another such write.
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(pid), "autogroup"), strconv.AppendInt(nil, int64(20-inverse), 10), 0)
}

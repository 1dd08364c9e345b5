package local

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is what executors, kernels and all they start yield by: notebooks
// that take every processor must not keep the server from answering.
const niceness = 10

// lower lowers the priority of a process that leads its group and session. It
// is done from outside and at once, for its runtime's own start is much of what
// a short execution costs; but not before its program runs: until then this
// process waits for it.
func lower(leader int) {
	// For the group: a process's own is on Linux that of one thread.
	_ = unix.Setpriority(unix.PRIO_PGRP, leader, niceness) // refused only where it is lower already, or has ended
	yieldSession(leader)
}

// yieldSession lowers the priority of a session. Where Linux shares out the
// processors by session, a process's own niceness counts only among those of
// its session (sched(7)).
func yieldSession(leader int) {
	// Not every kernel has the file, and one who is not root is refused for a
	// moment after another such write.
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(leader), "autogroup"), strconv.AppendInt(nil, niceness, 10), 0)
}

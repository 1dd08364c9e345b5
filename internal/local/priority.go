package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is what executors, kernels and all they start yield by: notebooks
// that take every processor must not keep the server from answering.
const niceness = 10

// startNice starts cmd, the leader of a new session, at a lower priority.
func startNice(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		// A process is born with the niceness of the thread that makes it.
		// This one, which could not go back, ends with its goroutine.
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // refused only where it is lower already
		err := cmd.Start()
		if err == nil {
			yieldSession(cmd.Process.Pid)
		}
		started <- err
	}()
	return <-started
}

// yieldSession lowers the priority of a session. Where Linux shares out the
// processors by session, a process's own niceness counts only among those of
// its session (sched(7)).
func yieldSession(leader int) {
	// Not every kernel has the file, and one who is not root is refused for a
	// moment after another such write.
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(leader), "autogroup"), strconv.AppendInt(nil, niceness, 10), 0)
}

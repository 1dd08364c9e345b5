package executor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of every descendant whose own
// parent has died, however far it has moved away by setsid.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	return nil
}

// reapLimit bounds the killing of descendants: a process in an
// uninterruptible system call does not die before it returns.
const reapLimit = 2 * time.Second

// killDescendants kills every process that descends from this one, until none
// is left. Their orphans become our children, so that each round finds those
// that the one before has missed. Those in spared are left alone, with what
// descends from them.
func killDescendants(logger *slog.Logger, spared ...int) {
	deadline := time.Now().Add(reapLimit)
	for !childless() {
		pids := descendants(os.Getpid(), spared...)
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended by itself
		}
		reapChildren()
		if len(pids) == 0 {
			return
		}
		if time.Now().After(deadline) {
			logger.Error("processes of the notebook cannot be killed", "count", len(pids))
			return
		}
		<-time.After(time.Millisecond) // they die one after the other, and tell nobody in common
	}
}

// childless reports whether this process has no child, not even one that has
// ended: then nothing descends from it, for it adopts orphans. To look through
// all processes of the machine takes many times as long.
func childless() bool {
	return errors.Is(unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil), unix.ECHILD)
}

// reapChildren collects the children that have ended.
func reapChildren() {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
	}
}

// descendants returns the ids of all living processes below root, without
// those in spared and what is below them.
func descendants(root int, spared ...int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || slices.Contains(spared, pid) {
			continue
		}
		if stat := processStat(pid); len(stat) > 1 {
			parent, _ := strconv.Atoi(string(stat[1]))
			children[parent] = append(children[parent], pid)
		}
	}
	var found []int
	for queue := children[root]; len(queue) > 0; queue = queue[1:] {
		found = append(found, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return found
}

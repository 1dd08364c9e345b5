package executor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"quire"
)

// limited forks with rlimits. They are the process's, not the thread's, so
// that they come a moment after its birth, long before it reads a cell.
func limited(b quire.Bounds, fork func() (int, error)) error {
	if err := pin(0, b.CPUs); err != nil {
		return err
	}
	tasks := ownTasks()
	pid, err := fork()
	if err != nil {
		return err
	}
	return bound(pid, b, tasks)
}

// bound sets a process's rlimits, beside tasks of the user's that are not the
// notebook's.
func bound(pid int, b quire.Bounds, tasks int) error {
	// RLIMIT_DATA counts what is written to and private. RLIMIT_AS would count
	// what is only reserved, and numpy, Java and CUDA reserve much.
	if err := limit(pid, unix.RLIMIT_DATA, uint64(max(b.MemoryBytes, 0))); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	// RLIMIT_NPROC counts all processes of the user, not the notebook's alone.
	if err := limit(pid, unix.RLIMIT_NPROC, uint64(max(b.Processes+tasks, 0))); err != nil {
		return fmt.Errorf("limit processes: %w", err)
	}
	return nil
}

// limit bounds a resource of a process, unless it is bounded by less.
func limit(pid, resource int, n uint64) error {
	var old unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &old); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return nil // it has ended already
		}
		return err
	}
	n = min(n, old.Max)
	err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// pin keeps a thread, the calling one if pid is 0, and what it forks to n of the
// processors that it may use, chosen by chance so that executions spread over
// them.
func pin(pid, n int) error {
	some, err := choose(pid, n)
	if err != nil || some == nil {
		return err
	}
	if err := unix.SchedSetaffinity(pid, some); err != nil {
		return fmt.Errorf("choose processors: %w", err)
	}
	return nil
}

// pinThreads is pin for a process that has some already.
func pinThreads(pid, n int) error {
	some, err := choose(pid, n)
	if err != nil || some == nil {
		return err
	}
	tasks, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "[0-9]*"))
	if err != nil {
		return fmt.Errorf("choose processors: %w", err)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(filepath.Base(task))
		if err == nil {
			err = unix.SchedSetaffinity(tid, some)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("choose processors: %w", err)
		}
	}
	return nil
}

// choose returns nil where all of a process's processors may be used.
func choose(pid, n int) (*unix.CPUSet, error) {
	var all, some unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &all); err != nil {
		return nil, fmt.Errorf("choose processors: %w", err)
	}
	var allowed []int
	for cpu := range len(all) * strconv.IntSize {
		if all.IsSet(cpu) {
			allowed = append(allowed, cpu)
		}
	}
	if n <= 0 || n >= len(allowed) {
		return nil, nil //nolint:nilnil // nothing is to be chosen
	}
	first := rand.IntN(len(allowed)) //nolint:gosec // a choice, no secret
	for i := range n {
		some.Set(allowed[(first+i)%len(allowed)])
	}
	return &some, nil
}

// ownTasks counts the processes and threads of this process's user.
func ownTasks() int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	tasks := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		var stat unix.Stat_t
		if unix.Stat(filepath.Join("/proc", e.Name()), &stat) != nil || int(stat.Uid) != os.Getuid() {
			continue
		}
		if fields := processStat(pid); len(fields) > 17 {
			threads, _ := strconv.Atoi(string(fields[17])) // num_threads
			tasks += threads
		}
	}
	return tasks
}

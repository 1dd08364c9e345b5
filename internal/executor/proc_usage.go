package executor

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"quire"
)

// processes returns the kernel's process and all that descend from it, those
// that this process has adopted too.
func (k *kernel) processes() []int {
	found := children(os.Getpid())
	if slices.Contains(found, k.PID()) {
		return found
	}
	found = append(found, k.PID()) // a forked kernel is another's child
	for _, pid := range children(k.PID()) {
		if !slices.Contains(found, pid) {
			found = append(found, pid)
		}
	}
	return found
}

// children returns the ids of all living processes below root as Linux lists
// them, which takes no look at every process of the machine. One that is born
// or ends meanwhile may be missing.
func children(root int) []int {
	if _, err := os.Stat("/proc/thread-self/children"); err != nil {
		return descendants(root) // a Linux that was built without
	}
	found := childrenOf(root)
	for i := 0; i < len(found); i++ {
		for _, pid := range childrenOf(found[i]) {
			if !slices.Contains(found, pid) {
				found = append(found, pid)
			}
		}
	}
	return found
}

func childrenOf(pid int) (found []int) {
	tasks := filepath.Join("/proc", strconv.Itoa(pid), "task")
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return nil // it has ended
	}
	for _, thread := range threads {
		data, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "children"))
		if err != nil {
			continue
		}
		for field := range bytes.FieldsSeq(data) {
			if pid, err := strconv.Atoi(string(field)); err == nil {
				found = append(found, pid)
			}
		}
	}
	return found
}

// usageOf adds up what the processes use: their processor time, with that of
// their children that have been waited for, and the memory that is no file's.
func usageOf(pids []int) quire.Usage {
	var ticks, pages int64
	for _, pid := range pids {
		ticks += processTicks(pid)
		pages += processPages(pid)
	}
	return quire.Usage{
		CPUSeconds:  (time.Duration(ticks) * clockTick).Seconds(),
		MemoryBytes: pages * int64(os.Getpagesize()),
	}
}

// processTicks returns a process's processor time, and that of its children
// that have been waited for, in units of clockTick.
func processTicks(pid int) (ticks int64) {
	stat := processStat(pid)
	if len(stat) < 15 {
		return 0
	}
	for _, field := range stat[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err == nil {
			ticks += n
		}
	}
	return ticks
}

// processPages returns how many pages of memory a process has that are neither
// a file's nor shared memory.
func processPages(pid int) int64 {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	fields := bytes.Fields(data)
	if err != nil || len(fields) < 3 {
		return 0
	}
	resident, err1 := strconv.ParseInt(string(fields[1]), 10, 64)
	shared, err2 := strconv.ParseInt(string(fields[2]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(resident-shared, 0)
}

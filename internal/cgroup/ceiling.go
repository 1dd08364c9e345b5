package cgroup

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Ceiling returns the limits that this process's own groups, and those above
// them, set for whatever it starts. Zero means no limit.
func Ceiling() (Limits, error) { return ceiling("/proc/self") }

func ceiling(proc string) (Limits, error) {
	all, err := own(proc)
	if err != nil {
		return Limits{}, err
	}
	memory, cpus, processes := int64(math.MaxInt64), math.Inf(1), int64(math.MaxInt64)
	for _, h := range all {
		for dir := h.dir; strings.HasPrefix(dir, h.mount); dir = filepath.Dir(dir) {
			for _, name := range []string{"memory.limit_in_bytes", "memory.max"} {
				if n, ok := readNumber(filepath.Join(dir, name)); ok && n > 0 {
					memory = min(memory, n)
				}
			}
			if n, ok := readNumber(filepath.Join(dir, "pids.max")); ok && n > 0 {
				processes = min(processes, n)
			}
			cpus = min(cpus, quota(dir))
			if dir == h.mount {
				break
			}
		}
	}
	var l Limits
	if memory < noLimit {
		l.Memory = memory
	}
	if processes < math.MaxInt32 {
		l.Processes = int(processes)
	}
	if !math.IsInf(cpus, 1) {
		l.CPUs = cpus
	}
	return l, nil
}

// noLimit is less than what version 1 shows where no limit is set: the largest
// number of bytes in whole pages.
const noLimit = math.MaxInt64 - 1<<20

// quota returns the processors' worth of time that a group may use.
func quota(dir string) float64 {
	if us, ok := readNumber(filepath.Join(dir, "cpu.cfs_quota_us")); ok {
		if period, ok := readNumber(filepath.Join(dir, "cpu.cfs_period_us")); ok && us > 0 && period > 0 {
			return float64(us) / float64(period)
		}
		return math.Inf(1)
	}
	data, err := os.ReadFile(filepath.Join(dir, "cpu.max"))
	if err != nil {
		return math.Inf(1)
	}
	fields := strings.Fields(string(data))
	if len(fields) != 2 {
		return math.Inf(1)
	}
	us, err := strconv.ParseFloat(fields[0], 64) // "max" is none
	period, periodErr := strconv.ParseFloat(fields[1], 64)
	if err != nil || periodErr != nil || us <= 0 || period <= 0 {
		return math.Inf(1)
	}
	return us / period
}

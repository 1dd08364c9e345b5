package soak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quire/internal/executor"
)

// process is one of the namespace.
type process struct {
	pid, parent int
	start       string // tells it from a later one with its id
	args        []string
	execution   string // of its environment
}

func (p process) String() string {
	return fmt.Sprintf("%d (parent %d, execution %q) %.80q", p.pid, p.parent, p.execution, p.args)
}

// processes returns all that live in the namespace but the run's own two.
func processes() []process {
	folders, _ := filepath.Glob("/proc/[0-9]*") // the pattern is good
	var all []process
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		if pid == 1 || pid == os.Getpid() {
			continue
		}
		if p, ok := readProcess(pid); ok {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b process) int { return a.pid - b.pid })
	return all
}

// readProcess returns false for one that has ended.
func readProcess(pid int) (process, bool) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return process{}, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return process{}, false
	}
	p := process{pid: pid, start: string(fields[19])}
	p.parent, _ = strconv.Atoi(string(fields[1]))
	if args, err := os.ReadFile(filepath.Join(folder, "cmdline")); err == nil {
		p.args = strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")
	}
	if env, err := os.ReadFile(filepath.Join(folder, "environ")); err == nil {
		for entry := range strings.SplitSeq(string(env), "\x00") {
			if id, ok := strings.CutPrefix(entry, "QUIRE_EXECUTION_ID="); ok {
				p.execution = id
			}
		}
	}
	return p, true
}

// executors returns the executor of each execution that has one. A child of it
// that is not yet another program looks like it, and is younger.
func executors(all []process) map[string]process {
	found := map[string]process{}
	for _, p := range all {
		if id := jobOf(p); id != "" && found[id].pid == 0 {
			found[id] = p
		}
	}
	return found
}

// jobOf returns the execution that the process is the executor of, or "".
func jobOf(p process) string {
	if len(p.args) != 3 || p.args[1] != "executor" {
		return ""
	}
	if p.args[2] != "--wait" {
		return filepath.Base(p.args[2])
	}
	dirs, _ := filepath.Glob(filepath.Join(os.Getenv(folderVariable), dataFolder, "executions", "*")) // the pattern is good
	for _, dir := range dirs {
		if id, err := executor.ReadIdentity(dir); err == nil && id.PID == p.pid && id.Started == p.start {
			return string(id.ExecutionID)
		}
	}
	return "" // it waits
}

// family returns an executor's processes: what descends from it, and what is
// marked as its execution's.
func family(all []process, of process, id string) []process {
	below := map[int]bool{of.pid: true}
	for changed := true; changed; {
		changed = false
		for _, p := range all {
			if !below[p.pid] && (below[p.parent] || p.execution == id) {
				below[p.pid], changed = true, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p process) bool { return !below[p.pid] })
}

// kernel returns the kernel in an executor's family: the oldest process of the
// execution that has its command, or that of the fork server which it is of.
func kernel(family []process, id string) (process, bool) {
	for _, p := range family { // in the order of their ids
		forked := len(p.args) > 1 && filepath.Base(p.args[1]) == "forkserver.py"
		if p.execution == id && (forked || slices.Contains(p.args, "ipykernel_launcher")) {
			return p, true
		}
	}
	return process{}, false
}

// signal sends a signal to the process, if it is still the one that it was.
func (p process) signal(s unix.Signal) bool {
	now, ok := readProcess(p.pid)
	return ok && now.start == p.start && unix.Kill(p.pid, s) == nil
}

// death waits for the end of processes. It is opened before they are killed.
type death struct {
	fds []unix.PollFd
	who []process
}

func watchDeath(of []process) *death {
	d := &death{}
	for _, p := range of {
		fd, err := unix.PidfdOpen(p.pid, 0)
		if err != nil {
			continue // it has ended
		}
		if now, ok := readProcess(p.pid); !ok || now.start != p.start {
			_ = unix.Close(fd)
			continue
		}
		d.fds, d.who = append(d.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}), append(d.who, p) //nolint:gosec // a file descriptor
	}
	return d
}

// await returns how long it took from begin until all had ended, and those
// that had not within the limit.
func (d *death) await(ctx context.Context, begin time.Time, limit time.Duration) (time.Duration, []process) {
	defer func() {
		for _, f := range d.fds {
			_ = unix.Close(int(f.Fd))
		}
	}()
	var left []process
	for i := range d.fds {
		for {
			rest := max(limit-time.Since(begin), 0)
			n, err := unix.Poll(d.fds[i:i+1], int(rest.Milliseconds()))
			if errors.Is(err, unix.EINTR) && ctx.Err() == nil {
				continue
			}
			if n < 1 {
				left = append(left, d.who[i])
			}
			break
		}
	}
	return time.Since(begin), left
}

package soak_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// recoveryLimit is how long after a resource has come back its lack may still
// be the reason of an end or of a refusal.
const recoveryLimit = 3 * time.Second

// reasons are what an end must say of the resource that it is due to.
var reasons = map[faultKind]*regexp.Regexp{
	diskFull:        regexp.MustCompile(`(?i)no space|disk (is )?full|no room`),
	readOnly:        regexp.MustCompile(`(?i)read-only|only be read`),
	descriptorsOut:  regexp.MustCompile(`(?i)open files|file descriptors`),
	processesRunOut: regexp.MustCompile(`(?i)process|thread|fork|the kernel \S+ (did not (start|answer)|closed its connections)`),
}

// runOut takes a resource away for a while, asks the server meanwhile, and
// gives the resource back.
func (h *harness) runOut(ctx context.Context, f fault) bool {
	probe := newClient(h.client.token) // its connection is there before descriptors run out
	if err := probe.get(ctx, slack(startLimit), "/operations/"+h.anyID(), &struct{}{}); err != nil {
		h.report.discrepancy("%v", err)
	}
	window := hit{fault: f.kind, what: hindered, from: time.Now()}
	h.mu.Lock()
	h.windows = append(h.windows, window)
	at := len(h.windows) - 1
	h.mu.Unlock()
	giveBack, err := h.takeAway(ctx, f)
	if err != nil {
		h.report.discrepancy("the harness cannot bring about %s: %v", f.kind, err)
	}
	until := time.Now().Add(2 * f.pause)
	for time.Now().Before(until) && wait(ctx, f.pause/4) {
		limited, cancel := context.WithTimeout(ctx, slack(aliveLimit))
		a, err := probe.call(limited, http.MethodGet, "/operations/"+h.anyID(), nil, nil)
		cancel()
		if err != nil || a.status != http.StatusOK && f.kind != descriptorsOut {
			h.report.discrepancy("%s: the server does not answer: %v, status %d %.300s", f.kind, err, a.status, a.body)
			break
		}
	}
	if err := giveBack(); err != nil {
		h.report.discrepancy("the harness cannot end %s: %v", f.kind, err)
	}
	h.mu.Lock()
	h.windows[at].until = time.Now()
	h.mu.Unlock()
	h.report.note("%s is over", f.kind)
	return err == nil
}

// anyID returns the id of some execution of the run.
func (h *harness) anyID() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.all {
		r.mu.Lock()
		id := r.id
		r.mu.Unlock()
		if id != "" {
			return id
		}
	}
	return ""
}

func (h *harness) takeAway(ctx context.Context, f fault) (giveBack func() error, err error) {
	switch f.kind {
	case diskFull:
		return fillDisk(h.server.data("filler"), int64(f.amount))
	case readOnly:
		return freeze(h.server.data("tmp"), h.server.data("executions"))
	case descriptorsOut:
		return fillDescriptors(ctx, h.server.pid())
	case processesRunOut:
		return h.server.cgroup.limit(f.amount % 8)
	default:
		return nil, fmt.Errorf("%s is no resource", f.kind)
	}
}

// fillDisk leaves room bytes or less of the file system.
func fillDisk(path string, room int64) (remove func() error, err error) {
	remove = func() error { return os.Remove(path) }
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return remove, err
	}
	defer f.Close()
	var free unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &free); err != nil {
		return remove, err
	}
	size := int64(free.Bavail)*free.Bsize - room //nolint:gosec // a small disk
	if size <= 0 {
		return remove, nil
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.ENOSPC) {
		err = nil // somebody was faster
	}
	return remove, err
}

// freeze makes folders read-only, but not the files that are open in them.
func freeze(folders ...string) (thaw func() error, err error) {
	thaw = func() error {
		var err error
		for _, folder := range folders {
			err = errors.Join(err, unix.Unmount(folder, unix.MNT_DETACH))
		}
		return err
	}
	for _, folder := range folders {
		if err := unix.Mount(folder, folder, "", unix.MS_BIND, ""); err != nil {
			return thaw, err
		}
		if err := unix.Mount("", folder, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return thaw, err
		}
	}
	return thaw, nil
}

// fillDescriptors opens connections to the server until it has no descriptor
// left for another one, as clients do that forget to close them.
func fillDescriptors(ctx context.Context, pid int) (hangUp func() error, err error) {
	var connections []net.Conn
	hangUp = func() error {
		var err error
		for _, c := range connections {
			err = errors.Join(err, c.Close())
		}
		return err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return hangUp, err
	}
	dialer := net.Dialer{Timeout: time.Second}
	for range maxDescriptors - len(open) + 16 {
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return hangUp, err
		}
		connections = append(connections, c)
	}
	return hangUp, nil
}

// pidsCgroup bounds the processes of a server and of all that it starts.
type pidsCgroup struct{ dir string }

func newPidsCgroup() (*pidsCgroup, error) {
	dir, err := os.MkdirTemp("/sys/fs/cgroup/pids", "soak-")
	if err != nil {
		return nil, err
	}
	return &pidsCgroup{dir}, nil
}

func (c *pidsCgroup) add(pid int) error {
	if c == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// limit allows room more tasks than there are.
func (c *pidsCgroup) limit(room int) (lift func() error, err error) {
	set := func(value string) error { return os.WriteFile(filepath.Join(c.dir, "pids.max"), []byte(value), 0) }
	lift = func() error { return set("max") }
	current, err := os.ReadFile(filepath.Join(c.dir, "pids.current"))
	if err != nil {
		return lift, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(current)))
	if err != nil {
		return lift, err
	}
	return lift, set(strconv.Itoa(n + room))
}

func (c *pidsCgroup) remove() {
	if c != nil {
		_ = os.Remove(c.dir) // it is empty, or the audit has said so
	}
}

package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/cgroup"
	"quire/internal/executor"
)

// defaultProcesses bounds the processes and threads of an execution.
const defaultProcesses = 4096

// HostOptions are the settings of OpenHost; zero values mean the defaults.
type HostOptions struct {
	Processes int // processes and threads of an execution; 4096
	Logger    *slog.Logger
}

// Host is what this machine has, and what it allows for keeping executions
// apart.
type Host struct {
	groups *cgroup.Parent // nil: rlimits
	tmp    quire.Tmp
	limits cgroup.Limits // of the whole machine, as far as this server may use it
	logger *slog.Logger
}

// OpenHost looks at the machine and says in the log, once, how executions are
// bounded and why not better. The data folder, absolute, tells this server's
// control groups from another's.
func OpenHost(data string, opts HostOptions) (*Host, error) {
	h := &Host{logger: opts.Logger}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if h.limits, err = machine(); err != nil {
		return nil, err
	}
	processes := opts.Processes
	if processes <= 0 {
		processes = defaultProcesses
	}
	if h.limits.Processes <= 0 || processes < h.limits.Processes {
		h.limits.Processes = processes
	}
	sum := sha256.Sum256([]byte(data))
	if h.groups, err = cgroup.Open("quire-" + hex.EncodeToString(sum[:6])); err != nil {
		h.logger.Warn("executions are bounded by rlimits: no control groups can be used", "reason", err)
	} else {
		h.logger.Info("executions are bounded by control groups", "version", h.groups.Version())
	}
	h.tmp = h.probeTmp()
	return h, nil
}

// probeTmp chooses the best private /tmp that can be had.
func (h *Host) probeTmp() quire.Tmp {
	err := probe(namespaces())
	if err == nil {
		h.logger.Info("executions have a private /tmp")
		return quire.MountedTmp
	}
	h.logger.Warn("executions have a private TMPDIR, but see the machine's /tmp: nothing can be mounted over it", "reason", err)
	return quire.NamedTmp
}

// machine returns what this process may use of the machine.
func machine() (cgroup.Limits, error) {
	l, err := cgroup.Ceiling()
	if err != nil {
		return l, fmt.Errorf("look at the machine: %w", err)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return l, fmt.Errorf("look at the machine: %w", err)
	}
	if total := int64(info.Totalram) * int64(info.Unit); l.Memory <= 0 || total < l.Memory { //nolint:gosec // a machine's memory
		l.Memory = total
	}
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		return l, fmt.Errorf("look at the machine: %w", err)
	}
	if n := float64(cpus.Count()); l.CPUs <= 0 || n < l.CPUs {
		l.CPUs = n
	}
	return l, nil
}

// Isolation returns how the attempt of an execution is kept apart: its spec,
// cut to what there is, and where.
func (h *Host) Isolation(id quire.ExecutionID, attempt int, spec quire.Spec) quire.Isolation {
	b := quire.Bounds{CPUs: spec.CPUs, MemoryBytes: int64(spec.MemoryGB) << 30, Processes: h.limits.Processes, By: "rlimit"}
	cpus := max(1, int(math.Ceil(h.limits.CPUs)))
	if b.CPUs <= 0 || b.CPUs > cpus {
		b.CPUs, b.Clamped = cpus, spec.CPUs > 0
	}
	if b.MemoryBytes <= 0 || b.MemoryBytes > h.limits.Memory {
		b.MemoryBytes, b.Clamped = h.limits.Memory, b.Clamped || spec.MemoryGB > 0
	}
	isolation := quire.Isolation{Bounds: b, Tmp: h.tmp}
	if h.groups != nil {
		isolation.Bounds.By = fmt.Sprintf("cgroup v%d", h.groups.Version())
		isolation.Groups = h.groups.Paths(executor.GroupName(id, attempt))
	}
	return isolation
}

// slotIsolation returns how a kernel is kept apart that has no job yet. The
// executor that starts it names its groups.
func (h *Host) slotIsolation() quire.Isolation {
	isolation := quire.Isolation{Tmp: h.tmp}
	if h.groups != nil {
		isolation.Groups = h.groups.Paths(executor.SlotGroup)
	}
	return isolation
}

// Sweep ends and removes the groups of executors that are gone, left by a
// server that was killed with them. path finds an execution's folder.
func (h *Host) Sweep(_ context.Context, path func(quire.ExecutionID) string) error {
	if h.groups == nil {
		return nil
	}
	names, err := h.groups.Names()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if strings.HasPrefix(name, executor.SlotGroup) {
			if !executor.SlotGroupLives(name) {
				errs = append(errs, cgroup.Find(h.groups.Paths(name)).Remove())
			}
			continue
		}
		i := strings.LastIndexByte(name, '-')
		if i <= 0 {
			continue // not of this naming
		}
		id, err := executor.ReadIdentity(path(quire.ExecutionID(name[:i])))
		if err == nil && id.Alive() && executor.GroupName(id.ExecutionID, id.Attempt) == name {
			continue
		}
		h.logger.Info("remove the control group of an executor that is gone", "execution_id", name[:i])
		errs = append(errs, cgroup.Find(h.groups.Paths(name)).Remove())
	}
	return errors.Join(errs...)
}

// Close removes the server's place for groups, if no execution is in it.
func (h *Host) Close() error {
	if h.groups != nil {
		h.groups.Remove()
	}
	return nil
}

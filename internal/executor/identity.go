package executor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"quire"
	"quire/internal/cgroup"
)

// Identity says where an executor is: what a server keeps as its handle. The
// executor's own folder holds it too, in executor.json.
type Identity struct {
	ExecutionID quire.ExecutionID `json:"executionId"`
	PID         int               `json:"pid"`
	Started     string            `json:"started"` // the process's start time in clock ticks since boot: tells it from a later one with its id
	Boot        string            `json:"boot"`    // of the machine, for ids and start times come again
	Attempt     int               `json:"attempt"`
	Dir         string            `json:"dir"`                // the job's folder
	RunDir      string            `json:"runDir"`             // private folder with the control socket
	Groups      []string          `json:"groups,omitempty"`   // folders of the control group of its notebook
	WaitedAs    quire.ExecutionID `json:"waitedAs,omitempty"` // what stands for ExecutionID in processes that were there before the job
}

const (
	identityFile = "executor.json"
	socketFile   = "control"
	runDirPrefix = "quire-"
	runDirRandom = 12 // characters: the names of sockets must be short
)

// Socket is the path of the executor's control socket.
func (id Identity) Socket() string { return filepath.Join(id.RunDir, socketFile) }

// Alive reports whether the executor's process still runs.
func (id Identity) Alive() bool {
	return id.Started != "" && processStart(id.PID) == id.Started && (id.Boot == "" || id.Boot == bootID())
}

// GroupName is the name of an attempt's control group: what is left of another
// attempt is not in its way.
func GroupName(id quire.ExecutionID, attempt int) string { return fmt.Sprintf("%s-%d", id, attempt) }

// SlotGroup begins the name of the control group of an executor that was
// started before its job: its process id and start time follow.
const SlotGroup = "slot."

func slotGroupName(pid int, started string) string {
	return fmt.Sprintf("%s%d.%s", SlotGroup, pid, started)
}

// SlotGroupLives reports whether the executor runs whose group has that name,
// which begins with SlotGroup.
func SlotGroupLives(name string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(name, SlotGroup), ".")
	pid, err := strconv.Atoi(first)
	return err == nil && name == slotGroupName(pid, processStart(pid))
}

// Group returns the control group of the executor's notebook, which is empty
// where there is none. Only one of its own name is its.
func (id Identity) Group() *cgroup.Group {
	names := []string{GroupName(id.ExecutionID, id.Attempt), slotGroupName(id.PID, id.Started)}
	return cgroup.Find(slices.DeleteFunc(slices.Clone(id.Groups), func(dir string) bool { return !slices.Contains(names, filepath.Base(dir)) }))
}

// RemoveRunDir removes the executor's folder once the executor is dead: one
// that ends by itself does so too. Only a folder that an executor has made is
// removed, whatever the identity says. It is idempotent.
func (id Identity) RemoveRunDir() error {
	if !filepath.IsAbs(id.RunDir) || !strings.HasPrefix(filepath.Base(id.RunDir), runDirPrefix) {
		return nil
	}
	if err := removeTree(id.RunDir); err != nil {
		return fmt.Errorf("remove run folder: %w", err)
	}
	return nil
}

func (id Identity) write(dir string) error {
	data, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	path := filepath.Join(dir, identityFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return os.Rename(path+".new", path)
}

// ReadIdentity reads the identity of the executor that ran last in the folder dir.
func ReadIdentity(dir string) (Identity, error) {
	var id Identity
	data, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		return id, fmt.Errorf("read identity: %w", err)
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return id, fmt.Errorf("read identity: %w", err)
	}
	return id, nil
}

// bootID tells one run of the machine from another.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}

// processStart returns the start time of a process in clock ticks since boot
// (proc(5), stat field 22), or "" if there is no such process.
func processStart(pid int) string {
	fields := processStat(pid)
	if len(fields) < 20 || string(fields[0]) == "Z" { // it only waits to be collected
		return ""
	}
	return string(fields[19])
}

// processStat returns the fields of /proc/PID/stat from the third (state) on,
// or nil. The second may hold anything, spaces and parentheses included.
func processStat(pid int) [][]byte {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
}

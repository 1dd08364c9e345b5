package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// hierarchy is a mounted tree of groups, and where in it a process is.
type hierarchy struct {
	version     int
	controllers []string // those of wanted that it has
	mount       string
	dir         string // the process's own group
}

// wanted are the controllers that limits and counts are read from.
var wanted = []string{"memory", "cpu", "cpuacct", "pids"}

// own finds the hierarchies that a process is in and that are mounted where
// it can see its own group. proc is /proc/self, or that of a thread.
func own(proc string) ([]hierarchy, error) {
	groups, err := readGroups(filepath.Join(proc, "cgroup"))
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(proc, "mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	var found []hierarchy
	for line := range strings.Lines(string(data)) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		h, ok := m.hierarchy(groups)
		if ok && !slices.ContainsFunc(found, func(f hierarchy) bool { return f.same(h) }) {
			found = append(found, h)
		}
	}
	return found, nil
}

func (h hierarchy) has(controller string) bool { return slices.Contains(h.controllers, controller) }

func (h hierarchy) same(other hierarchy) bool {
	return h.version == other.version && slices.Equal(h.controllers, other.controllers)
}

// readGroups reads the group of each controller from /proc/PID/cgroup; that of
// version 2 has the empty name.
func readGroups(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read own groups: %w", err)
	}
	groups := map[string]string{}
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(fields[1], ",") {
			groups[controller] = fields[2]
		}
	}
	return groups, nil
}

// mount is a line of mountinfo that is about control groups.
type mount struct {
	version     int
	root, point string
	options     []string // of the file system: the controllers, in version 1
}

// parseMount reads a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	fields, fs := strings.Fields(before), strings.Fields(after)
	if !ok || len(fields) < 5 || len(fs) < 3 {
		return mount{}, false
	}
	version := map[string]int{"cgroup": 1, "cgroup2": 2}[fs[0]]
	return mount{version, unescape(fields[3]), unescape(fields[4]), strings.Split(fs[2], ",")}, version > 0
}

// unescape reads the octal escapes that the kernel writes for white space.
func unescape(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '\\' && i+4 <= len(path) {
			if n, err := strconv.ParseUint(path[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// hierarchy says what a mount offers to a process in the given groups.
func (m mount) hierarchy(groups map[string]string) (hierarchy, bool) {
	h := hierarchy{version: m.version, mount: m.point}
	group, ok := groups[""]
	if m.version == 1 {
		for _, c := range wanted {
			if slices.Contains(m.options, c) {
				h.controllers = append(h.controllers, c)
			}
		}
		if len(h.controllers) == 0 {
			return h, false
		}
		group, ok = groups[h.controllers[0]]
	}
	if !ok {
		return h, false
	}
	// A container may see only its own part of the tree.
	below, ok := strings.CutPrefix(group+"/", strings.TrimSuffix(m.root, "/")+"/")
	if !ok || strings.HasPrefix(below, "..") {
		return h, false
	}
	h.dir = filepath.Join(m.point, below)
	if m.version == 2 {
		var err error
		if h.controllers, err = controllersOf(h.dir); err != nil {
			return h, false
		}
	}
	return h, exists(h.dir)
}

// controllersOf returns those of wanted that a group of version 2 has.
func controllersOf(dir string) (found []string, err error) {
	data, err := os.ReadFile(filepath.Join(dir, controllersFile))
	there := strings.Fields(string(data))
	for _, c := range wanted {
		if slices.Contains(there, c) {
			found = append(found, c)
		}
	}
	return found, err
}

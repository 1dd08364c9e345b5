package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// machine is a folder that looks like a machine's /proc/self and its mounted
// hierarchies: version 2 with controllers is not to be had on every machine.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T, mountinfo, groups string) *machine {
	t.Helper()
	m := &machine{t, t.TempDir()}
	m.write("proc/mountinfo", strings.ReplaceAll(mountinfo, "ROOT", m.root))
	m.write("proc/cgroup", groups)
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(m.path(name)), 0o755), os.WriteFile(m.path(name), []byte(text), 0o600)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.t.Helper()
	data, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}

// v2 makes a group of version 2 with its interface files.
func (m *machine) v2(dir string, root bool) {
	m.write(filepath.Join(dir, controllersFile), "cpuset cpu io memory pids\n")
	m.write(filepath.Join(dir, subtreeFile), "")
	m.write(filepath.Join(dir, procsFile), "")
	if !root {
		m.write(filepath.Join(dir, eventsFile), "populated 1\n")
	}
}

const unifiedMount = "30 23 0:26 / ROOT/cg\\040roup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

func TestOwn(t *testing.T) {
	m := newMachine(t, unifiedMount+
		"31 23 0:31 / ROOT/pids rw - cgroup cgroup rw,pids\n"+
		"32 23 0:32 /docker/x ROOT/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"+
		"33 23 0:32 /docker/x ROOT/cpu2 rw - cgroup cgroup rw,cpu,cpuacct\n"+
		"34 23 0:33 /elsewhere ROOT/memory rw - cgroup cgroup rw,memory\n"+
		"35 23 0:34 / ROOT/systemd rw - cgroup cgroup rw,name=systemd\n"+
		"36 23 0:35 / / rw - ext4 /dev/vda rw\nnonsense\n",
		"8:pids:/a b\n7:memory:/docker/x\n6:cpu,cpuacct:/docker/x/y\n1:name=systemd:/z\n0::/own\n")
	m.v2("cg roup/own", false)
	for _, dir := range []string{"pids/a b", "cpu/y", "cpu2/y", "memory"} {
		m.write(dir+"/tasks", "")
	}
	all, err := own(m.path("proc"))
	if err != nil {
		t.Fatal(err)
	}
	want := []hierarchy{
		{2, []string{"memory", "cpu", "pids"}, m.path("cg roup"), m.path("cg roup/own")},
		{1, []string{"pids"}, m.path("pids"), m.path("pids/a b")},
		{1, []string{"cpu", "cpuacct"}, m.path("cpu"), m.path("cpu/y")},
	}
	if diff := cmp.Diff(want, all, cmp.AllowUnexported(hierarchy{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenUnified(t *testing.T) {
	for _, tt := range []struct {
		name, own  string
		root       bool
		base       string // where the place is made
		stepsAside bool
		yields     bool
	}{
		{"in a group of its own", "unit", false, "unit", true, true},
		{"in the root", "", true, "", false, false},
		{"moved by an earlier server", "unit/" + leafName, false, "unit", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, unifiedMount, "0::/"+tt.own+"\n")
			for _, dir := range []string{tt.own, tt.base, tt.own + "/" + leafName, tt.base + "/quire-x"} {
				m.v2("cg roup/"+dir, tt.root && dir == "")
			}
			m.write("cg roup/"+tt.base+"/quire-x/cpu.idle", "0")
			p, err := open(m.path("proc"), "quire-x")
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Join("cg roup", tt.base)
			if diff := cmp.Diff([]string{m.path(base + "/quire-x/e")}, p.Paths("e")); diff != "" || p.Version() != 2 {
				t.Errorf("version %d (-want +got):\n%s", p.Version(), diff)
			}
			for _, dir := range []string{base, base + "/quire-x"} {
				// A real file shows all that was written; this one the last.
				if got := m.read(dir + "/" + subtreeFile); !strings.HasPrefix(got, "+pids") {
					t.Errorf("%s: got the controllers %q", dir, got)
				}
			}
			idle, there := m.read(base+"/quire-x/cpu.idle"), exists(m.path(base+"/quire-x/"+executorsName))
			if want := map[bool]string{false: "0", true: "1"}[tt.yields]; idle != want || there != tt.yields {
				t.Errorf("cpu.idle is %s, a group for executors: %t", idle, there)
			}
			if tt.stepsAside {
				if got := m.read(base + "/" + leafName + "/" + procsFile); got == "" {
					t.Error("the server is not in a leaf")
				}
			}
		})
	}
}

func TestOpenFails(t *testing.T) {
	m := newMachine(t, "31 23 0:31 / ROOT/pids rw - cgroup cgroup rw,pids\n", "8:pids:/\n")
	m.write("pids/tasks", "")
	if _, err := open(m.path("proc"), "quire-x"); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("got %v, want an error about memory", err)
	}
	if exists(m.path("pids/quire-x")) {
		t.Error("a failed Open leaves a folder behind")
	}
}

func TestGroupUnified(t *testing.T) {
	m := newMachine(t, "", "")
	for name, text := range map[string]string{
		"memory.max": "max", "memory.swap.max": "max", "cpu.max": "max 100000", "pids.max": "max",
		"memory.current": "1000\n", "memory.peak": "2000\n", "pids.current": "3\n",
		"memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n",
		"cpu.stat":      "usage_usec 1500\nuser_usec 1000\n", controllersFile: "cpu memory pids",
		"memory.stat": "anon 500\nfile 500\ninactive_file 300\nactive_file 200\n",
	} {
		m.write("g/"+name, text)
	}
	g := &Group{dirs: []string{m.path("g")}}
	if err := g.limit(Limits{Memory: 4096, CPUs: 0.5, Processes: 9}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"memory.max": "4096", "memory.swap.max": "0", "pids.max": "9"} {
		if got := m.read("g/" + name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := m.read("g/cpu.max"); !strings.HasPrefix(got, "50000 100000") {
		t.Errorf("cpu.max: got %q", got)
	}
	m.write("g/memory.max", "4096\n") // a real file has no rest of what was there
	want := Stats{Memory: 1000, MemoryPeak: 2000, MemoryLimit: 4096, LimitReached: true, OOMKills: 1, CPU: 1500 * time.Microsecond, Processes: 3}
	if diff := cmp.Diff(want, g.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Usage{CPU: 1500 * time.Microsecond, Memory: 700, MemoryPeak: 2000}, g.Usage()); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

// A machine may count less, and one of version 1 counts in other files.
func TestUsage(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  Usage
	}{
		"nothing": {nil, Usage{CPUUnknown: true}},
		"version 1": {map[string]string{
			"memory.usage_in_bytes": "1000\n", "memory.max_usage_in_bytes": "2000\n", "cpuacct.usage": "1500000\n",
			"memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
		}, Usage{CPU: 1500 * time.Microsecond, Memory: 700, MemoryPeak: 2000}},
		"no peak":            {map[string]string{"memory.current": "1000\n", "cpu.stat": "usage_usec 0\n"}, Usage{Memory: 1000}},
		"files came between": {map[string]string{"memory.current": "10\n", "memory.stat": "inactive_file 20\n"}, Usage{CPUUnknown: true}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, "", "")
			for name, text := range tt.files {
				m.write("g/"+name, text)
			}
			if diff := cmp.Diff(tt.want, (&Group{dirs: []string{m.path("g")}}).Usage()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCeiling(t *testing.T) {
	m := newMachine(t, unifiedMount, "0::/unit/part\n")
	m.v2("cg roup/unit/part", false)
	for name, text := range map[string]string{
		"unit/memory.max": "1048576\n", "unit/part/memory.max": "max\n",
		"unit/cpu.max": "max 100000\n", "unit/part/cpu.max": "150000 100000\n", "unit/pids.max": "77\n",
	} {
		m.write("cg roup/"+name, text)
	}
	got, err := ceiling(m.path("proc"))
	if want := (Limits{Memory: 1 << 20, CPUs: 1.5, Processes: 77}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := Ceiling(); err != nil {
		t.Error(err)
	}
}

package cgroup_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"quire/internal/cgroup"
)

// newParent makes a place for groups in this machine's real hierarchies.
func newParent(t *testing.T) *cgroup.Parent {
	t.Helper()
	name := "quire-test-" + strconv.Itoa(os.Getpid())
	p, err := cgroup.Open(name)
	if err != nil {
		t.Fatalf("no groups can be made: the tests need root, or a delegated group: %v", err)
	}
	t.Cleanup(p.Remove)
	return p
}

func create(t *testing.T, p *cgroup.Parent, name string, limits cgroup.Limits) *cgroup.Group {
	t.Helper()
	g, err := cgroup.Create(p.Paths(name), limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// start runs a shell script that is born in the group, and returns a reader of
// its output.
func start(t *testing.T, g *cgroup.Group, script string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := g.Folder()
	if err != nil {
		t.Fatal(err)
	}
	if folder != nil {
		defer folder.Close()
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(folder.Fd())}
	}
	done := make(chan error)
	go func() { done <- startIn(g, cmd) }() // a goroutine of its own, whose thread can be locked
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// held reads a number that a group's file holds, in whichever hierarchy.
func held(t *testing.T, g *cgroup.Group, name string) string {
	t.Helper()
	for _, dir := range g.Paths() {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return strings.TrimSpace(string(data))
		}
	}
	return ""
}

func TestLimitsAreSet(t *testing.T) {
	g := create(t, newParent(t), "limits", cgroup.Limits{Memory: 64 << 20, CPUs: 1.5, Processes: 12})
	if got := g.Stats().MemoryLimit; got != 64<<20 {
		t.Errorf("got the limit %d", got)
	}
	if got := held(t, g, "pids.max"); got != "12" {
		t.Errorf("got %s processes", got)
	}
	quota := held(t, g, "cpu.max")
	if quota == "" {
		quota = held(t, g, "cpu.cfs_quota_us") + " " + held(t, g, "cpu.cfs_period_us")
	}
	if want := "150000 100000"; quota != want {
		t.Errorf("got the quota %s, want %s", quota, want)
	}
}

func TestChildIsBornInside(t *testing.T) {
	g := create(t, newParent(t), "born", cgroup.Limits{})
	_, out := start(t, g, "cat /proc/self/cgroup; echo; read -r _")
	var groups []string
	for out.Scan() && out.Text() != "" {
		groups = append(groups, out.Text())
	}
	for _, dir := range g.Paths() {
		found := false
		for _, line := range groups {
			_, path, _ := strings.Cut(line[strings.Index(line, ":")+1:], ":")
			found = found || strings.HasSuffix(dir, path)
		}
		if !found {
			t.Errorf("the child is not in %s but in\n%s", dir, strings.Join(groups, "\n"))
		}
	}
	if data, err := os.ReadFile("/proc/self/cgroup"); err != nil || strings.Contains(string(data), "born") {
		t.Errorf("the parent is in the group, %v:\n%s", err, data)
	}
}

func TestMemoryLimitKills(t *testing.T) {
	const limit = 32 << 20
	g := create(t, newParent(t), "memory", cgroup.Limits{Memory: limit})
	// The shell survives its child: the counter tells all the same.
	_, out := start(t, g, `head -c 200M /dev/zero | tail >/dev/null; echo "status $?"`)
	if !out.Scan() || out.Text() != "status 137" {
		t.Fatalf("got %q, want the child killed", out.Text())
	}
	s := g.Stats()
	if s.OOMKills != 1 || !s.LimitReached || s.MemoryPeak < limit*9/10 || s.MemoryPeak > limit || s.CPU == 0 {
		t.Errorf("got %+v", s)
	}
}

func TestUsageOfRealProcesses(t *testing.T) {
	const held = 64 << 20
	g := create(t, newParent(t), "usage", cgroup.Limits{})
	before := g.Usage()
	if before.CPUUnknown {
		t.Error("processor time is not counted")
	}
	// The shell keeps what it has read; a child has used time and is gone.
	_, out := start(t, g, `x=$(head -c 64M /dev/zero | tr '\0' x); ( i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done ); echo "${#x}"; read -r _`)
	if !out.Scan() || out.Text() != strconv.Itoa(held) {
		t.Fatalf("got %q", out.Text())
	}
	during := g.Usage()
	if during.CPU <= before.CPU || during.Memory < held || during.MemoryPeak < during.Memory {
		t.Errorf("got %+v, before it %+v", during, before)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if after := g.Usage(); after.CPU < during.CPU || after.Memory >= held || after.MemoryPeak < during.MemoryPeak {
		t.Errorf("got %+v, before the end %+v", after, during)
	}
}

func TestProcessLimit(t *testing.T) {
	g := create(t, newParent(t), "processes", cgroup.Limits{Processes: 5})
	_, out := start(t, g, `( for i in 1 2 3 4 5 6 7 8; do sleep 600 & done ) 2>&1; echo end`)
	refused := false
	for out.Scan() && out.Text() != "end" {
		refused = refused || strings.Contains(strings.ToLower(out.Text()), "fork")
	}
	if !refused {
		t.Error("eight processes were started where five are allowed")
	}
	if got := g.Stats().Processes; got > 5 {
		t.Errorf("got %d processes", got)
	}
}

// TestKillReachesAll has processes that have left the session, the parent and
// the environment, and a group of their own below.
func TestKillReachesAll(t *testing.T) {
	p := newParent(t)
	g := create(t, p, "kill", cgroup.Limits{Processes: 100})
	below := filepath.Join(g.Paths()[0], "below")
	_, out := start(t, g, `
		mkdir `+below+`
		(sh -c 'echo $$ > `+below+`/cgroup.procs; echo $$; exec sleep 600') &
		env -i setsid sh -c 'echo $$; exec sleep 600' </dev/null &
		(setsid sh -c 'echo $$; setsid sh -c "echo \$\$; exec sleep 600" & exec sleep 600' &) &
		echo $$; exec sleep 600`)
	var fds []unix.PollFd
	for range 5 {
		if !out.Scan() {
			t.Fatal("a process did not start")
		}
		pid, err := strconv.Atoi(out.Text())
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if err := cgroup.Find(g.Paths()).Kill(); err != nil {
		t.Fatal(err)
	}
	for i := range fds {
		if n, err := unix.Poll(fds[i:i+1], 0); n != 1 {
			t.Errorf("process %d lives on: %v", i, err)
		}
	}
	for range 2 { // it is idempotent
		if err := cgroup.Find(g.Paths()).Remove(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range g.Paths() {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
}

func TestNames(t *testing.T) {
	p := newParent(t)
	g := create(t, p, "one", cgroup.Limits{})
	again := create(t, p, "one", cgroup.Limits{}) // over what a failed start has left
	if names, err := p.Names(); err != nil || strings.Join(names, " ") != "one" {
		t.Errorf("got %v, %v", names, err)
	}
	if err := again.Remove(); err != nil {
		t.Fatal(err)
	}
	if names, err := p.Names(); err != nil || len(names) != 0 {
		t.Errorf("got %v, %v, want none", names, err)
	}
	// The last group has taken the place along; the next one makes it anew.
	create(t, p, "two", cgroup.Limits{Memory: 64 << 20})
	_ = g
}

// TestPlaceYields to the server, which stands beside it, where Linux can have
// it so; this process is the server, and then an executor.
func TestPlaceYields(t *testing.T) {
	before := ownGroups(t)
	p := newParent(t)
	var place string
	for _, dir := range p.Paths("x") {
		if held, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "cpu.idle")); err == nil && strings.TrimSpace(string(held)) == "1" {
			place = filepath.Dir(dir)
		}
	}
	if place == "" {
		t.Fatal("no place yields: the tests need Linux 5.15 and the cpu controller")
	}
	if leaf, err := os.ReadFile(filepath.Join(filepath.Dir(place), "quire-server", "cgroup.procs")); err != nil || !slices.Contains(strings.Fields(string(leaf)), strconv.Itoa(os.Getpid())) {
		t.Errorf("the server is not beside its place, %v", err)
	}
	// What a server has started, the next one for instance, is in its leaf.
	again, err := cgroup.Open(filepath.Base(place))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Paths("x"), again.Paths("x")); diff != "" {
		t.Errorf("found elsewhere (-first +again):\n%s", diff)
	}
	create(t, p, "one-1", cgroup.Limits{})
	cgroup.Yield(p.Paths("one-1"))
	executors := filepath.Join(place, "executors")
	if !slices.ContainsFunc(ownGroups(t), func(group string) bool { return strings.HasSuffix(executors, group) }) {
		t.Errorf("got the groups %q, want one of them %s", ownGroups(t), executors)
	}
	if names, err := p.Names(); err != nil || !slices.Equal(names, []string{"one-1"}) {
		t.Errorf("got the groups %v, %v", names, err)
	}
	if err := cgroup.Find(p.Paths("one-1")).Remove(); err != nil {
		t.Error(err)
	}
	again.Remove()
	for _, dir := range append(p.Paths(""), executors) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
	if diff := cmp.Diff(before, ownGroups(t)); diff != "" {
		t.Errorf("this process is not back (-before +after):\n%s", diff)
	}
}

// ownGroups returns the paths of the groups that this process is in, one for
// each hierarchy.
func ownGroups(t *testing.T) (groups []string) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		groups = append(groups, strings.SplitN(strings.TrimSpace(line), ":", 3)[2])
	}
	return groups
}

// TestGroupsComeAndGo lets each group be the last to go again and again, while
// others come: it takes their place along.
func TestGroupsComeAndGo(t *testing.T) {
	p := newParent(t)
	var running sync.WaitGroup
	for worker := range 4 {
		paths := p.Paths("worker-" + strconv.Itoa(worker))
		running.Go(func() {
			for range 100 {
				g, err := cgroup.Create(paths, cgroup.Limits{Processes: 100})
				if err == nil {
					err = g.Remove()
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

// TestFindRefuses what is no control group: Remove deletes.
func TestFindRefuses(t *testing.T) {
	dir := t.TempDir()
	if got := cgroup.Find([]string{dir, "relative", "/nowhere"}).Paths(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if err := cgroup.Find([]string{dir}).Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

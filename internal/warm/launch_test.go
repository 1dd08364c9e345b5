package warm_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quire/internal/warm"
)

func newServer(t *testing.T) (key warm.Key, socket string) {
	t.Helper()
	pool, _ := newPool(t, warm.Options{})
	key = newKey(t)
	if socket = pool.Wait(key); socket == "" {
		t.Fatal("there is no fork server")
	}
	return key, socket
}

func TestPrepareComesFirst(t *testing.T) {
	key, socket := newServer(t)
	k := mustFork(t, socket, key.Env, func(r *warm.Request) {
		r.Prepare = func(pid int) error {
			limit := unix.Rlimit{Cur: 345, Max: 345}
			return unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil)
		}
	})
	if got := k.run(t, "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"); got != "(345, 345)\n" {
		t.Errorf("got %q", got)
	}
	refused := errors.New("no such group")
	pid := 0
	_, err := fork(t, socket, key.Env, func(r *warm.Request) {
		r.Prepare = func(p int) error { pid = p; return refused }
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	awaitEnd(t, pid)
}

// TestNamespacesAreEntered mounts a folder that only the kernel sees.
func TestNamespacesAreEntered(t *testing.T) {
	key, socket := newServer(t)
	target := t.TempDir()
	namespaces := make(chan *os.File)
	go func() { // its thread ends with it
		runtime.LockOSThread()
		defer close(namespaces)
		if err := errors.Join(unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("mine", target, "tmpfs", 0, "")); err != nil {
			t.Error(err)
			return
		}
		f, err := os.Open("/proc/thread-self/ns/mnt")
		if err != nil {
			t.Error(err)
			return
		}
		namespaces <- f
	}()
	f := <-namespaces
	if f == nil {
		t.FailNow()
	}
	defer f.Close()
	k := mustFork(t, socket, key.Env, func(r *warm.Request) { r.Namespaces = []*os.File{f} })
	if got := k.run(t, "import os; print(os.path.ismount('"+target+"'))"); got != "True\n" {
		t.Errorf("got %q", got)
	}
}

// awaitEnd waits for a process that is no child.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 {
			t.Errorf("process %d lives on: %v", pid, err)
		}
		return
	}
}

// TestKernelDiesWithItsLauncher kills the process that asked for the kernel.
func TestKernelDiesWithItsLauncher(t *testing.T) {
	key, socket := newServer(t)
	_, file := connection(t)
	cmd := exec.Command(os.Args[0]) //nolint:gosec,noctx // this program, killed below
	cmd.Env = append(kernelEnv(home(key)), launchVariable+"="+socket, "WARM_TEST_CONNECTION="+file)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	awaitEnd(t, pid)
}

func home(key warm.Key) string {
	i := slices.IndexFunc(key.Env, func(e string) bool { return strings.HasPrefix(e, "HOME=") })
	return strings.TrimPrefix(key.Env[i], "HOME=")
}

// serverPID finds the fork server's process by its folder.
func serverPID(t *testing.T, socket string) int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), socket+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			if found == 0 || pid < found {
				found = pid
			}
		}
	}
	if found == 0 {
		t.Fatal("no process serves the socket")
	}
	return found
}

// TestForkServerHangs costs the start, and no more: what it does once it goes
// on is for nobody.
func TestForkServerHangs(t *testing.T) {
	key, socket := newServer(t)
	pid := serverPID(t, socket)
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := fork(t, socket, key.Env, nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the time to run out", err)
	}
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	k := mustFork(t, socket, key.Env, nil)
	if got := k.run(t, "print(len(open(f'/proc/{__import__(\"os\").getppid()}/task/{__import__(\"os\").getppid()}/children').read().split()))"); got != "1\n" {
		t.Errorf("the keeper has %s children", got)
	}
}

func TestForkServerIsKilled(t *testing.T) {
	key, socket := newServer(t)
	k := mustFork(t, socket, key.Env, nil)
	if err := unix.Kill(serverPID(t, socket), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, "print('alive')"); got != "alive\n" {
		t.Errorf("got %q", got)
	}
	k.Kill()
	<-k.Done()
	if got := k.Exit(); got.Signal != unix.SIGKILL {
		t.Errorf("got %s", got)
	}
	if err := k.Interrupt(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v after its end", err)
	}
}

// TestHostileRequests sends what no executor does; the next request is served.
func TestHostileRequests(t *testing.T) {
	key, socket := newServer(t)
	frame := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) } //nolint:gosec // short
	for name, data := range map[string][]byte{
		"nothing":        nil,
		"part of a size": {0},
		"huge size":      {0xff, 0xff, 0xff, 0xff, '{'},
		"no JSON":        frame("{"),
		"no object":      frame("[]"),
		"no descriptors": frame(`{"argv":[],"env":{},"cwd":"/","umask":0}`),
		"more than fits": append([]byte{0x7f, 0, 0, 0}, make([]byte, 16<<20)...),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("unix", socket) //nolint:noctx // it is there
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write(data) // it may hang up meanwhile
			answer, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(string(answer), "pid") {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
	mustFork(t, socket, key.Env, nil)
}

func TestRequestsThatAreNotSent(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, r := range map[string]warm.Request{
		"another program": {Argv: []string{"bash", "-c", "x", "-f", "c"}, Stdout: null, Stderr: null},
		"no output":       request("/c", nil, nil),
		"no text":         request("/c", []string{"X=\xff"}, null),
		"no variable":     request("/c", []string{"X"}, null),
	} {
		if _, err := warm.Launch(t.Context(), "/nowhere", r); err == nil || errors.Is(err, unix.ENOENT) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if _, err := warm.Launch(t.Context(), "/nowhere", request("/c", nil, null)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v", err)
	}
}

// TestAnswersOfAnImpostor is a socket where something else answers.
func TestAnswersOfAnImpostor(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, answer := range []string{"", "x", "{}\n", `{"pid": 1}`, `{"pid": -5}`, `{"pid": "x"}`, `{"pid": 4}`, strings.Repeat("x", 1<<20)} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path) //nolint:noctx // a local bind
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan struct{})
		go func() {
			defer close(served)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1<<16))
			_, _ = fmt.Fprint(conn, answer)
		}()
		if p, err := warm.Launch(t.Context(), path, request("/c", nil, null)); err == nil {
			t.Errorf("%.20q: got process %d", answer, p.PID())
		}
		_ = l.Close() // it has served
		<-served
	}
}

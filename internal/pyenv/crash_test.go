package pyenv_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"quire/internal/pyenv"
)

// builderVariable makes this program a builder in the store that it names.
const builderVariable = "QUIRE_TEST_BUILDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(builderVariable); dir != "" {
		os.Exit(buildIn(dir))
	}
	goleak.VerifyTestMain(m)
}

func buildIn(dir string) int {
	store, err := pyenv.Open(dir)
	if err == nil {
		_, err = store.Acquire(context.Background(), requirements("demo"), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestBuilderIsKilled kills a process that has made half of an environment.
func TestBuilderIsKilled(t *testing.T) {
	h := newHouse(t)
	started := h.hang(t)
	builder := exec.CommandContext(t.Context(), os.Args[0])
	builder.Env = append(os.Environ(), builderVariable+"="+h.dir)
	if err := builder.Start(); err != nil {
		t.Fatal(err)
	}
	uv := started()
	if digests, rubbish := h.whole(t); len(digests) != 0 || len(rubbish) == 0 {
		t.Fatalf("got %v and %v, want an environment that is being made", digests, rubbish)
	}
	if err := builder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := builder.Wait(); err == nil {
		t.Fatal("the builder was not killed")
	}
	awaitExit(t, uv)
	if digests, _ := h.whole(t); len(digests) != 0 {
		t.Errorf("got %v, want nothing in the place of an environment", digests)
	}
	if err := os.Remove(h.calls + ".before"); err != nil {
		t.Fatal(err)
	}
	l := h.acquire(t, requirements("demo"))
	if got := python(t, l, "import demo; print(demo.__version__)"); got != "2.0" {
		t.Errorf("got %s", got)
	}
	if digests, rubbish := h.whole(t); len(digests) != 1 || len(rubbish) != 0 {
		t.Errorf("got %v and %v", digests, rubbish)
	}
}

// hang lets uv hang when it is about to install. The function that it returns
// waits for that, and returns uv's process.
func (h *house) hang(t *testing.T) (started func() (pid int)) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "started")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("echo $$ >'%s'\nexec sleep 600\n", fifo)
	if err := os.WriteFile(h.calls+".before", []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() int {
		line, err := os.ReadFile(fifo)
		if err != nil {
			t.Error(err)
			return 0
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
		if err != nil {
			t.Error(err)
		}
		return pid
	}
}

// TestCancelledBuild ends uv with whoever it builds for.
func TestCancelledBuild(t *testing.T) {
	h := newHouse(t)
	started := h.hang(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := make(chan error, 1)
	go func() {
		_, err := h.Acquire(ctx, requirements("demo"), nil)
		end <- err
	}()
	uv := started()
	cancel()
	if err := <-end; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	awaitExit(t, uv)
	if digests, rubbish := h.whole(t); len(digests) != 0 || len(rubbish) != 0 {
		t.Errorf("got %v and %v", digests, rubbish)
	}
}

// awaitExit fails the test if the process outlives its parent.
func awaitExit(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
	if err != nil || n == 0 {
		t.Errorf("uv lives on: %v", err)
	}
}

package jupyter_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/internal/testenv"
	"quire/jupyter"
)

// launch starts a real kernel and returns it with a client that is ready.
func launch(t *testing.T, name, transport string) (*jupyter.Process, *jupyter.Client) {
	t.Helper()
	prefix := filepath.Dir(filepath.Dir(testenv.Python(t)))
	spec, err := jupyter.FindKernel(jupyter.SearchPath(nil, prefix), name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	info, err := jupyter.NewIPC(filepath.Join(dir, "k"))
	if transport == "tcp" {
		info, err = jupyter.NewTCP()
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "connection.json")
	if err := info.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	p, err := jupyter.Launch(spec, jupyter.LaunchOptions{
		Dir: dir, ConnectionFile: file, Stderr: os.Stderr,
		Env: []string{
			"PATH=" + filepath.Join(prefix, "bin") + ":/usr/bin:/bin", "HOME=" + dir,
			"IPYTHONDIR=" + filepath.Join(dir, "ipython"), "GREETING=hello",
			// bash_kernel's bash has a session of its own, so it outlives Kill
			// for a moment, in which it would write its history into dir.
			"HISTFILE=/dev/null",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		<-p.Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	c, err := jupyter.Connect(ctx, info, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return p, c
}

func TestRealKernels(t *testing.T) {
	tests := map[string]struct {
		kernel, transport, code string
		want                    []string
	}{
		"ipykernel over ipc": {
			"python3", "ipc", "import os\nprint(os.environ['GREETING'], flush=True)\n6*7",
			[]string{"iopub status busy", "iopub execute_input", "iopub stream hello", "iopub execute_result 42", "iopub status idle"},
		},
		"ipykernel over tcp": {
			"Python3", "tcp", "1/0",
			[]string{"iopub status busy", "iopub execute_input", "iopub error ZeroDivisionError", "iopub status idle"},
		},
		"bash_kernel over ipc": {
			"bash", "ipc", "echo $GREETING",
			[]string{"iopub status busy", "iopub execute_input", "iopub stream hello", "iopub status idle"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, c := launch(t, tt.kernel, tt.transport)
			var got []string
			for _, m := range answers(t, c, execute(t, c, tt.code)) {
				if m.Channel == jupyter.IOPub {
					got = append(got, summary(m))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("iopub (-want +got):\n%s", diff)
			}
		})
	}
}

// started waits until the request's code has printed a line.
func started(t *testing.T, c *jupyter.Client, line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		m, err := c.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(m.Content), line) && m.Header.MsgType == "stream" {
			return
		}
	}
}

func TestInterruptRealKernel(t *testing.T) {
	p, c := launch(t, "python3", "ipc")
	id := execute(t, c, "import time\nprint('sleep'+'ing', flush=True)\ntime.sleep(3600)")
	started(t, c, "sleeping")
	if err := p.Interrupt(); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(summaries(answers(t, c, id)), "\n")
	if want := "iopub error KeyboardInterrupt"; !strings.Contains(got, want) {
		t.Errorf("got %s, want %q in it", got, want)
	}
}

func TestKillRealKernel(t *testing.T) {
	p, c := launch(t, "python3", "ipc")
	execute(t, c, "import subprocess\nchild = subprocess.Popen(['sleep', '3600'])\nprint('pid', child.pid, flush=True)\nchild.wait()")
	started(t, c, "pid")
	p.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := c.Receive(ctx); !errors.Is(err, jupyter.ErrDisconnected) {
		t.Errorf("got error %v, want %v", err, jupyter.ErrDisconnected)
	}
	<-p.Done()
	if got, want := p.Exit(), (jupyter.Exit{Code: -1, Signal: syscall.SIGKILL}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := p.Interrupt(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got error %v, want %v", err, os.ErrProcessDone)
	}
}

func TestRealKernelExits(t *testing.T) {
	p, c := launch(t, "python3", "ipc")
	execute(t, c, "import os\nos._exit(7)")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		if _, err := c.Receive(ctx); err != nil {
			if !errors.Is(err, jupyter.ErrDisconnected) {
				t.Errorf("got error %v, want %v", err, jupyter.ErrDisconnected)
			}
			break
		}
	}
	<-p.Done()
	if got, want := p.Exit().String(), "exit status 7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRealBurst prints faster than is read, in fewer messages than ipykernel
// keeps for a client (1,000; it drops the rest: package runner sees to that).
func TestRealBurst(t *testing.T) {
	const lines = 100_000
	_, c := launch(t, "python3", "ipc")
	var text strings.Builder
	for _, m := range answers(t, c, execute(t, c, "for i in range(100_000): print(i, flush=i % 200 == 0)")) {
		if m.Header.MsgType == "stream" {
			var content struct{ Text string }
			if err := json.Unmarshal(m.Content, &content); err != nil {
				t.Fatal(err)
			}
			text.WriteString(content.Text)
		}
	}
	if got := strings.Count(text.String(), "\n"); got != lines {
		t.Errorf("got %d lines, want %d", got, lines)
	}
}

package jupyter_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/jupyter"
)

// script writes an executable shell script.
func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
}

// run launches spec to its end and returns its output's lines.
func run(t *testing.T, spec jupyter.Kernelspec, opts jupyter.LaunchOptions) ([]string, jupyter.Exit) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	opts.Stdout, opts.Stderr = out, out
	p, err := jupyter.Launch(spec, opts)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	data, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), p.Exit()
}

func TestLaunchFillsIn(t *testing.T) {
	t.Parallel()
	prefix, work := t.TempDir(), t.TempDir()
	dir := install(t, filepath.Join(prefix, "share/jupyter/kernels"), "k", "{}")
	bin := filepath.Join(prefix, "tools")
	script(t, filepath.Join(bin, "show"), `
		printf '%s\n' "$@"
		echo "$GREETING|$NAME|$(pwd -P)"
		read -r line || echo no input
		exit 3`)
	spec := jupyter.Kernelspec{
		Name: "k", Dir: dir,
		Argv: []string{"show", "-f", "{connection_file}", "{resource_dir}/logo", "{prefix}"},
		Env:  map[string]string{"GREETING": "hello ${NAME}, $NAME, ${UNKNOWN}, $$5, $", "NAME": "Bob"},
	}
	got, exit := run(t, spec, jupyter.LaunchOptions{
		Dir: work, ConnectionFile: "/c.json", ExtraArgs: []string{"--extra"},
		Env: []string{"PATH=relative:" + bin + ":/usr/bin:/bin", "NAME=Ada"},
	})
	realWork, err := filepath.EvalSymlinks(work)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"-f", "/c.json", dir + "/logo", prefix, "--extra",
		"hello Ada, Ada, ${UNKNOWN}, $5, $|Bob|" + realWork, "no input",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if want := (jupyter.Exit{Code: 3}); exit != want || exit.String() != "exit status 3" {
		t.Errorf("got %v, want %v", exit, want)
	}
}

func TestLaunchFindsPython(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	venv, other := filepath.Join(root, "venv"), filepath.Join(root, "other")
	script(t, filepath.Join(venv, "bin/python"), "echo of the environment")
	script(t, filepath.Join(other, "bin/python3.11"), "echo of the path")
	script(t, filepath.Join(other, "bin/pythonw"), "echo another program")
	tests := map[string]struct {
		prefix, program, want string
	}{
		"python":             {venv, "python", "of the environment"},
		"python3":            {venv, "python3", "of the environment"},
		"python3.11":         {venv, "python3.11", "of the environment"},
		"another program":    {venv, "pythonw", "another program"},
		"no python there":    {other, "python3.11", "of the path"},
		"not in a prefix":    {"", "python3.11", "of the path"},
		"with its full path": {venv, filepath.Join(other, "bin/python3.11"), "of the path"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.prefix != "" {
				dir = filepath.Join(tt.prefix, "share/jupyter/kernels/k")
			}
			spec := jupyter.Kernelspec{Name: "k", Dir: dir, Argv: []string{tt.program}}
			got, _ := run(t, spec, jupyter.LaunchOptions{Env: []string{"PATH=" + filepath.Join(other, "bin")}})
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLaunchRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		argv []string
		want error
	}{
		"not in the path": {[]string{"sh"}, exec.ErrNotFound},
		"not there":       {[]string{"/nonexistent/kernel"}, fs.ErrNotExist},
	}
	for name, tt := range tests {
		_, err := jupyter.Launch(jupyter.Kernelspec{Name: "k", Argv: tt.argv}, jupyter.LaunchOptions{})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", name, err, tt.want)
		}
	}
	if _, err := jupyter.Launch(jupyter.Kernelspec{Name: "k"}, jupyter.LaunchOptions{}); err == nil {
		t.Error("got no error for a kernelspec without argv")
	}
}

// TestKillReachesChildren has a kernel whose child holds the output open: its
// end is seen there.
func TestKillReachesChildren(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		kill bool
		want jupyter.Exit
	}{
		"killed":      {"sleep 3600 & echo ready; wait", true, jupyter.Exit{Code: -1, Signal: syscall.SIGKILL}},
		"left behind": {"sleep 3600 & echo ready; exit 0", false, jupyter.Exit{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			spec := jupyter.Kernelspec{Name: "k", Argv: []string{"/bin/sh", "-c", tt.text}}
			p, err := jupyter.Launch(spec, jupyter.LaunchOptions{Stdout: write, Env: []string{"PATH=/usr/bin:/bin"}})
			if err != nil {
				t.Fatal(err)
			}
			_ = write.Close()
			if got, want := p.Exit(), (jupyter.Exit{}); tt.kill && got != want {
				t.Errorf("got %v before the end, want %v", got, want)
			}
			lines := bufio.NewScanner(read)
			if !lines.Scan() || lines.Text() != "ready" {
				t.Fatalf("got %q, want ready", lines.Text())
			}
			if group, err := syscall.Getpgid(p.PID()); tt.kill && (err != nil || group != p.PID()) {
				t.Errorf("got process group %d, error %v; want %d", group, err, p.PID())
			}
			if tt.kill {
				p.Kill()
			}
			if lines.Scan() { // returns when the last writer is gone
				t.Errorf("got %q after ready", lines.Text())
			}
			<-p.Done()
			if got := p.Exit(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			p.Kill()
		})
	}
}

func TestExitString(t *testing.T) {
	t.Parallel()
	for want, exit := range map[string]jupyter.Exit{
		"exit status 0":  {},
		"signal SIGSEGV": {Code: -1, Signal: syscall.SIGSEGV},
		"signal 64":      {Code: -1, Signal: 64},
	} {
		if got := exit.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestKernelDiesWithItsParent launches from a process of its own, this test's
// binary, and kills that.
func TestKernelDiesWithItsParent(t *testing.T) {
	if os.Getenv("QUIRE_TEST_LAUNCH") != "" {
		spec := jupyter.Kernelspec{Name: "k", Argv: []string{"/bin/sh", "-c", "echo ready; exec sleep 3600"}}
		p, err := jupyter.Launch(spec, jupyter.LaunchOptions{Stdout: os.Stdout, Env: []string{"PATH=/usr/bin:/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		return
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKernelDiesWithItsParent$")
	parent.Env = append(os.Environ(), "QUIRE_TEST_LAUNCH=1")
	parent.Stdout = write
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	lines := bufio.NewScanner(read)
	for lines.Scan() && lines.Text() != "ready" {
		continue
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	if lines.Scan() { // returns when the kernel, too, has let go of it
		t.Errorf("got %q after ready", lines.Text())
	}
}

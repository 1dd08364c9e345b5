package jupyter

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// LaunchOptions are the settings of Launch.
type LaunchOptions struct {
	Dir            string   // the working directory; empty: this process's own
	Env            []string // the complete environment, NAME=value; the kernelspec's env is added
	ConnectionFile string   // absolute; where the kernel reads its ConnectionInfo
	ExtraArgs      []string // after the kernelspec's argv
	Stdout, Stderr *os.File // nil: /dev/null. The caller may close its own after Launch
	Cgroup         *os.File // the folder of a control group of version 2 that the kernel is born in; nil: this process's
	Confine        Confine  // nil: nothing
}

// Confine is called with the function that forks the kernel, on the thread
// that does, and calls it once. What it changes of the thread before, such as
// its control group, its mount namespace or its capabilities, the kernel
// inherits; what it does after, the kernel may already have run a little. The
// thread is no process's first, runs nothing else and ends with the kernel. If
// Confine fails after the fork, the kernel is killed.
type Confine func(fork func() (pid int, err error)) error

// Launch starts a kernel in a session and process group of its own, with
// nothing on its standard input. It dies with this process: SIGKILL. A
// program that is not there is an error that wraps exec.ErrNotFound or
// fs.ErrNotExist. Signals that this process ignores are ignored by the kernel
// too, so a program that wants Interrupt to work must not ignore SIGINT.
func Launch(spec Kernelspec, opts LaunchOptions) (*Process, error) {
	argv, env, err := spec.Command(opts)
	if err != nil {
		return nil, fmt.Errorf("launch kernel %s: %w", spec.Name, err)
	}
	cmd := &exec.Cmd{
		Path: argv[0],
		Args: argv,
		Dir:  opts.Dir,
		Env:  env,
		SysProcAttr: &syscall.SysProcAttr{
			Setsid:    true,
			Pdeathsig: syscall.SIGKILL,
		},
	}
	// A nil *os.File in the interface would not be nil there.
	if opts.Stdout != nil {
		cmd.Stdout = opts.Stdout
	}
	if opts.Stderr != nil {
		cmd.Stderr = opts.Stderr
	}
	if opts.Cgroup != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(opts.Cgroup.Fd()) //nolint:gosec // a file descriptor
	}
	p, err := start(cmd, opts.Confine)
	if err != nil {
		return nil, fmt.Errorf("launch kernel %s: %w", spec.Name, err)
	}
	return p, nil
}

// Command returns the complete command and environment with which Launch
// starts the kernel. Its errors are Launch's.
func (k Kernelspec) Command(opts LaunchOptions) (argv, env []string, err error) {
	vars := environment(opts.Env)
	argv, err = k.argv(opts.ConnectionFile, vars)
	if err != nil {
		return nil, nil, err
	}
	return append(argv, opts.ExtraArgs...), k.env(opts.Env, vars), nil
}

var pythonProgram = regexp.MustCompile(`^python(3(\.\d+)?)?$`)

// argv fills in the placeholders and finds the program.
func (k Kernelspec) argv(connectionFile string, vars map[string]string) ([]string, error) {
	if len(k.Argv) == 0 {
		return nil, errors.New("kernelspec without argv")
	}
	prefix := k.prefix()
	fill := strings.NewReplacer(
		"{connection_file}", connectionFile, "{resource_dir}", k.Dir, "{prefix}", prefix)
	argv := make([]string, len(k.Argv))
	for i, arg := range k.Argv {
		argv[i] = fill.Replace(arg)
	}
	// Jupyter runs the Python that it runs on itself, which is that of the
	// environment that the kernelspec was installed into.
	if prefix != "" && pythonProgram.MatchString(argv[0]) {
		own := filepath.Join(prefix, "bin", "python")
		if executable(own) {
			argv[0] = own
			return argv, nil
		}
	}
	var err error
	argv[0], err = lookPath(argv[0], vars["PATH"])
	return argv, err
}

// prefix is PREFIX of a spec in PREFIX/share/jupyter/kernels/NAME, else empty.
func (k Kernelspec) prefix() string {
	prefix, ok := strings.CutSuffix(filepath.Dir(k.Dir), "/share/jupyter/kernels")
	if !ok {
		return ""
	}
	return prefix
}

// lookPath finds a program in the kernel's PATH, not in this process's.
func lookPath(program, path string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	for _, dir := range filepath.SplitList(path) {
		// An empty entry would be the working directory, which is the user's.
		if file := filepath.Join(dir, program); filepath.IsAbs(dir) && executable(file) {
			return file, nil
		}
	}
	return "", fmt.Errorf("%q: %w", program, exec.ErrNotFound)
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// env adds the kernelspec's variables to base.
func (k Kernelspec) env(base []string, vars map[string]string) []string {
	// Never nil, which would mean this process's own environment.
	env := append(make([]string, 0, len(base)+len(k.Env)), base...)
	for _, name := range slices.Sorted(maps.Keys(k.Env)) {
		env = append(env, name+"="+substitute(k.Env[name], vars))
	}
	return env
}

var variable = regexp.MustCompile(`\$(\$|[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})`)

// substitute replaces $NAME and ${NAME} by the environment's values and $$ by
// $, and leaves all else, unknown names included, as it is.
func substitute(value string, vars map[string]string) string {
	return variable.ReplaceAllStringFunc(value, func(match string) string {
		name := strings.Trim(match[1:], "{}")
		if name == "$" {
			return "$"
		}
		if v, ok := vars[name]; ok {
			return v
		}
		return match
	})
}

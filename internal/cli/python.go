package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"quire/jupyter"
)

// kernelPath returns the folders that may hold kernelspecs. Those of the
// environment of python come first where it is given; otherwise the
// environment is the active one, or that of python3 on the PATH.
func kernelPath(ctx context.Context, env []string, python string) ([]string, error) {
	if python != "" {
		program, err := exec.LookPath(python)
		if err != nil {
			return nil, misuse("--python %s is no program that can be run", python)
		}
		prefix, err := pythonPrefix(ctx, program)
		if err != nil {
			return nil, misuse("--python %s is no Python interpreter: %v", python, err)
		}
		return append([]string{kernelFolder(prefix)}, jupyter.SearchPath(env, prefix)...), nil
	}
	if active := cmp.Or(os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX")); active != "" {
		return jupyter.SearchPath(env, active), nil
	}
	program, err := exec.LookPath("python3")
	if err != nil {
		return jupyter.SearchPath(env), nil // there are kernels without Python
	}
	prefix, err := pythonPrefix(ctx, program)
	if err != nil {
		return jupyter.SearchPath(env), nil
	}
	return jupyter.SearchPath(env, prefix), nil
}

// pythonPrefix returns the environment that an interpreter belongs to. It is
// asked only where its place doesn't tell.
func pythonPrefix(ctx context.Context, program string) (string, error) {
	program, err := filepath.Abs(program) // a symbolic link of an environment must stay one
	if err != nil {
		return "", err
	}
	prefix := filepath.Dir(filepath.Dir(program))
	for _, sign := range []string{filepath.Join(prefix, "pyvenv.cfg"), kernelFolder(prefix)} {
		if _, err := os.Stat(sign); err == nil {
			return prefix, nil
		}
	}
	out, err := exec.CommandContext(ctx, program, "-c", "import sys; sys.stdout.write(sys.prefix)").Output()
	if err != nil {
		return "", fmt.Errorf("ask for its environment: %w", err)
	}
	if prefix = strings.TrimSpace(string(out)); !filepath.IsAbs(prefix) {
		return "", fmt.Errorf("its environment %.100q is no absolute path", prefix)
	}
	return prefix, nil
}

func kernelFolder(prefix string) string { return filepath.Join(prefix, "share", "jupyter", "kernels") }

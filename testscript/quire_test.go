// Package testscript_test drives the real program by scripts: what a person
// types, what comes out, and the exit status.
package testscript_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"quire/internal/pyenv"
	"quire/internal/testenv"
)

// program is the binary under test.
var program string

func TestMain(m *testing.M) {
	remove, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	remove()
	os.Exit(status)
}

// build takes the program that QUIRE_BIN names, or builds it. Either way it
// looks at what it depends on, so that go test shows no old result.
func build() (remove func(), err error) {
	if program = os.Getenv("QUIRE_BIN"); program != "" {
		_, err := os.Stat(program)
		return func() {}, err
	}
	dir, err := os.MkdirTemp("", "quire-test-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	program = filepath.Join(dir, "quire")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "quire/cmd/quire").CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("build quire: %w\n%s", err, out)
	}
	return remove, lookAtSources()
}

func lookAtSources() error {
	return filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a file of an editor, or of a test beside this one
		case err != nil:
			return err
		case d.IsDir() && path != ".." && d.Name()[0] == '.':
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			_, err = os.Stat(path)
		}
		return err
	})
}

func TestScripts(t *testing.T) {
	python := testenv.Python(t)
	prefix := filepath.Dir(filepath.Dir(python))
	uv, wheels := testenv.UV(t), t.TempDir()
	testenv.Wheel(t, wheels, "quire_test_wheel", "1.0")
	testenv.Wheel(t, wheels, "quire_test_wheel", "2.0")
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		Cmds:                commands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PYTHON", python)
			env.Setenv("UV", uv)
			env.Setenv("UV_CACHE", filepath.Join(testenv.Cache(t), "uv-cache"))
			env.Setenv("WHEELS", wheels)
			for _, entry := range pyenv.NetworkEnv(os.Environ()) {
				name, value, _ := strings.Cut(entry, "=")
				env.Setenv(name, value)
			}
			env.Setenv("VIRTUAL_ENV", prefix) // as after source bin/activate
			env.Setenv("JUPYTER_PREFER_ENV_PATH", "1")
			return nil
		},
	})
}

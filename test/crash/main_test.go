// Package crash_test kills the real program right before and right after every
// durable step, starts it again, and looks at what is true then: what was
// accepted is there and ends, what was not left no trace, no cell ran twice in
// an attempt, and no process, folder or file is left.
package crash_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the binary under test, built with the crash points.
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

func build() (remove func(), err error) {
	dir, err := os.MkdirTemp("", "quire-test-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	program = filepath.Join(dir, "quire")
	// As make build does it, so that the packages need not be compiled again.
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-tags", "crashpoints", "-o", program, "quire/cmd/quire")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("build quire: %w\n%s", err, out)
	}
	if err := lookAtSources(); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}

// lookAtSources looks at what the program is built from, so that go test shows
// no old result.
func lookAtSources() error {
	return filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a file of an editor, or of a test beside this one
		case err != nil:
			return err
		case d.IsDir() && path != "../.." && d.Name()[0] == '.':
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			_, err = os.Stat(path)
		}
		return err
	})
}

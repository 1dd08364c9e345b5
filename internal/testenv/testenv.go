// Package testenv finds what the tests need on the machine: the repository and
// the Python environment that `make test` has made. It fails a test, never
// skips it, when something is missing.
package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// RepoRoot returns the absolute path of the repository.
func RepoRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "python", "test.txt")); err == nil {
				return dir
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("the test runs outside the repository")
		}
		dir = parent
	}
}

// Python returns the path of the test environment's Python interpreter, taken
// from QUIRE_TEST_PYTHON or from the repository's cache.
func Python(tb testing.TB) string {
	tb.Helper()
	python := os.Getenv("QUIRE_TEST_PYTHON")
	if python == "" {
		python = filepath.Join(RepoRoot(tb), ".cache", "python", "test", "bin", "python")
	}
	if _, err := os.Stat(python); err != nil {
		tb.Fatalf("no Python environment for the tests: run make test (%v)", err)
	}
	return python
}

// UV returns the path of the uv that the test environment was made with.
func UV(tb testing.TB) string {
	tb.Helper()
	uv := filepath.Join(Cache(tb), "uv", "bin", "uv")
	if _, err := os.Stat(uv); err != nil {
		tb.Fatalf("no uv for the tests: run make test (%v)", err)
	}
	return uv
}

// Cache returns the folder of what the tests have fetched: QUIRE_CACHE, or
// .cache of the repository.
func Cache(tb testing.TB) string {
	tb.Helper()
	if cache := os.Getenv("QUIRE_CACHE"); cache != "" {
		return cache
	}
	return filepath.Join(RepoRoot(tb), ".cache")
}

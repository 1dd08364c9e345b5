package cli_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"quire/internal/cli"
)

func TestWriteFile(t *testing.T) {
	says := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	read := func(t *testing.T, path string) string {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}

	t.Run("replaces whole, and keeps the mode", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, "old")
		if err := cli.WriteFile(path, says("new")); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 || read(t, path) != "new" {
			t.Errorf("got %v, %v, %q, want mode 0600 and new", info, err, read(t, path))
		}
	})
	t.Run("leaves what was there, and nothing beside it, on an error", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, "old")
		broken := errors.New("broken")
		err := cli.WriteFile(path, func(w io.Writer) error { return errors.Join(says("half")(w), broken) })
		entries, _ := os.ReadDir(filepath.Dir(path))
		if !errors.Is(err, broken) || read(t, path) != "old" || len(entries) != 1 {
			t.Errorf("got %v, %q, %v, want the error, old, one file", err, read(t, path), entries)
		}
	})
	t.Run("follows a link", func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "target"), "old")
		if err := os.Symlink("target", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := cli.WriteFile(filepath.Join(dir, "link"), says("new")); err != nil {
			t.Fatal(err)
		}
		if got := read(t, filepath.Join(dir, "target")); got != "new" {
			t.Errorf("got %q behind the link, want new", got)
		}
	})
	t.Run("writes into a device", func(t *testing.T) {
		if err := cli.WriteFile(os.DevNull, says("x")); err != nil {
			t.Error(err)
		}
	})
}

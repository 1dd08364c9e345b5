package files_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/files"
)

func TestArchive(t *testing.T) {
	data := t.TempDir()
	archive, err := files.OpenArchive(data)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	const id quire.ExecutionID = "e1"
	folder := filepath.Join(data, "executions", "e1")
	scrap := filepath.Join(data, "tmp", "executions")

	_, err = archive.Input(t.Context(), id)
	wantError(t, "input of none", err, quire.NotFound, "operation_id", data)
	if err := archive.Create(t.Context(), id, []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	err = archive.Create(t.Context(), id, []byte("other"), nil)
	wantError(t, "create again", err, quire.AlreadyExists, "", data)
	if input, err := archive.Input(t.Context(), id); err != nil || string(input) != "{}" {
		t.Errorf("input = %q, %v, want the first one", input, err)
	}
	if got := archive.Path(id); got != folder {
		t.Errorf("path = %q, want %q", got, folder)
	}
	if got, want := archive.JournalPath(id), filepath.Join(folder, "journal"); got != want {
		t.Errorf("journal = %q, want %q", got, want)
	}

	_, err = archive.OpenNotebook(t.Context(), id)
	wantError(t, "notebook before the end", err, quire.NotFound, "operation_id", data)
	notebook := quire.Job{Dir: archive.Path(id)}.NotebookPath()
	if err := unix.Mkfifo(notebook, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "open a pipe", func() error {
		_, err := archive.OpenNotebook(t.Context(), id)
		return err
	}); err == nil {
		t.Error("opened a pipe for the notebook")
	}
	if err := os.Remove(notebook); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(notebook, []byte("done"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := archive.OpenNotebook(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "done" {
		t.Errorf("notebook = %q, %v", got, err)
	}

	wantEmpty(t, scrap)
	for range 2 {
		if err := archive.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(folder); !os.IsNotExist(err) {
		t.Errorf("Lstat of the removed folder: %v", err)
	}
	wantEmpty(t, scrap)
}

func TestArchiveRefusesIDs(t *testing.T) {
	data := t.TempDir()
	archive, err := files.OpenArchive(data)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, id := range []quire.ExecutionID{"", ".", "..", "../projects", "a/b", "a\x00"} {
		wantError(t, "create", archive.Create(t.Context(), id, nil, nil), quire.InvalidArgument, "operation_id", data)
		if err := archive.Remove(t.Context(), id); err != nil {
			t.Errorf("remove %q: %v", id, err)
		}
		_, err := archive.Input(t.Context(), id)
		wantError(t, "input", err, quire.NotFound, "operation_id", data)
		if got, want := archive.Path(id), filepath.Join(data, "executions", "-"); got != want {
			t.Errorf("path of %q = %q, want %q", id, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "executions")); err != nil {
		t.Error(err)
	}
}

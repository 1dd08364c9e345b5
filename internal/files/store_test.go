package files_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/files"
)

const project quire.ProjectID = "p1"

// openStore returns a store with one empty project and its data folder.
func openStore(tb testing.TB) (store *files.Store, data string) {
	tb.Helper()
	data = tb.TempDir()
	store = reopen(tb, data)
	if err := store.CreateProject(tb.Context(), project); err != nil {
		tb.Fatal(err)
	}
	return store, data
}

func reopen(tb testing.TB, data string) *files.Store {
	tb.Helper()
	store, err := files.Open(data)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

func put(tb testing.TB, store *files.Store, path, content string) quire.File {
	tb.Helper()
	file, err := store.Put(tb.Context(), project, path, strings.NewReader(content))
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

func read(tb testing.TB, store *files.Store, path string) string {
	tb.Helper()
	f, _, err := store.Open(tb.Context(), project, path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		tb.Fatal(err)
	}
	return string(content)
}

// wantEmpty checks that nothing is left in a scrap folder.
func wantEmpty(tb testing.TB, folder string) {
	tb.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		tb.Fatal(err)
	}
	if len(entries) > 0 {
		tb.Errorf("%s holds %v, want nothing", folder, entries)
	}
}

// wantError checks the code and the field, and that no path of this machine shows.
func wantError(tb testing.TB, what string, err error, code quire.Code, field, data string) {
	tb.Helper()
	if err == nil {
		tb.Errorf("%s: no error, want code %d", what, code)
		return
	}
	e, ok := err.(*quire.Error) //nolint:errorlint // it must be the error itself
	if !ok || e.Code != code || e.Field != field {
		tb.Errorf("%s: got %#v, want code %d at %s", what, err, code, field)
	}
	if strings.Contains(err.Error(), data) {
		tb.Errorf("%s: %q shows a path of the machine", what, err)
	}
}

func TestProject(t *testing.T) {
	store, data := openStore(t)
	folder := filepath.Join(data, "projects", string(project))
	put(t, store, "a/b.txt", "kept")

	t.Run("create again", func(t *testing.T) {
		if err := store.CreateProject(t.Context(), project); err != nil {
			t.Fatal(err)
		}
		if got := read(t, store, "a/b.txt"); got != "kept" {
			t.Errorf("content = %q after a second create, want it kept", got)
		}
	})
	t.Run("remove", func(t *testing.T) {
		closed := filepath.Join(folder, "a", "closed")
		if err := os.Mkdir(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(closed, "f"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{closed, filepath.Join(folder, "a"), folder} {
			if err := os.Chmod(dir, 0); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := store.RemoveProject(t.Context(), project); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Lstat(folder); !os.IsNotExist(err) {
			t.Errorf("Lstat of the removed project: %v, want that it is not there", err)
		}
		wantEmpty(t, filepath.Join(data, "tmp", "projects"))
		_, _, err := store.Open(t.Context(), project, "a/b.txt")
		wantError(t, "open", err, quire.NotFound, "project_id", data)
	})
	t.Run("bad ids", func(t *testing.T) {
		for _, id := range []quire.ProjectID{"", ".", "..", "../executions", "a/b", "a\x00", "-x", quire.ProjectID(strings.Repeat("a", 65))} {
			wantError(t, "create", store.CreateProject(t.Context(), id), quire.InvalidArgument, "project_id", data)
			if err := store.RemoveProject(t.Context(), id); err != nil {
				t.Errorf("remove %q: %v", id, err)
			}
			_, _, err := store.List(t.Context(), id, "", quire.Page{})
			wantError(t, "list", err, quire.NotFound, "project_id", data)
		}
		if _, err := os.Stat(filepath.Join(data, "projects")); err != nil {
			t.Error(err)
		}
	})
	t.Run("a link in place of a project", func(t *testing.T) {
		if err := store.CreateProject(t.Context(), project); err != nil {
			t.Fatal(err)
		}
		put(t, store, "secret", "s")
		if err := os.Symlink(string(project), filepath.Join(data, "projects", "p2")); err != nil {
			t.Fatal(err)
		}
		_, _, err := store.Open(t.Context(), "p2", "secret")
		wantError(t, "open", err, quire.NotFound, "project_id", data)
	})
}

// What a crash leaves in the scrap folder is gone after the next start.
func TestOpenRemovesRubbish(t *testing.T) {
	data := t.TempDir()
	scrap := filepath.Join(data, "tmp", "projects")
	if err := os.MkdirAll(filepath.Join(scrap, "half-removed", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(scrap, "half-uploaded"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, filepath.Join(scrap, "link")); err != nil {
		t.Fatal(err)
	}
	reopen(t, data)
	wantEmpty(t, scrap)
}

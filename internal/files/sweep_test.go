package files_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quire"
	"quire/internal/files"
)

func TestSweepProjects(t *testing.T) {
	data := t.TempDir()
	s, err := files.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, id := range []quire.ProjectID{"known", "unknown", "full"} {
		if err := s.CreateProject(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(t.Context(), "full", "a.txt", strings.NewReader("a")); err != nil {
		t.Fatal(err)
	}
	removed, err := s.Sweep(t.Context(), func(_ context.Context, id quire.ProjectID) (bool, error) { return id == "known", nil })
	if err != nil || removed != 1 {
		t.Errorf("removed %d, %v, want 1", removed, err)
	}
	if got, want := folders(t, data, "projects"), []string{"full", "known"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSweepExecutions(t *testing.T) {
	data := t.TempDir()
	a, err := files.OpenArchive(data)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, id := range []quire.ExecutionID{"known", "unknown", "started", "ended"} {
		if err := a.Create(t.Context(), id, []byte("{}"), nil); err != nil {
			t.Fatal(err)
		}
	}
	executions := filepath.Join(data, "executions")
	err = errors.Join(
		os.WriteFile(filepath.Join(executions, "started", "job.json"), nil, 0o600),
		os.WriteFile(filepath.Join(executions, "ended", "journal"), nil, 0o600),
		os.Mkdir(filepath.Join(executions, "lost+found"), 0o700), // a file system's own
	)
	if err != nil {
		t.Fatal(err)
	}
	removed, err := a.Sweep(t.Context(), func(_ context.Context, id quire.ExecutionID) (bool, error) { return id == "known", nil })
	if err != nil || removed != 1 {
		t.Errorf("removed %d, %v, want 1", removed, err)
	}
	if got, want := folders(t, data, "executions"), []string{"ended", "known", "lost+found", "started"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A store that does not answer has not said that anything may go.
func TestSweepWhileTheStoreFails(t *testing.T) {
	data := t.TempDir()
	a, err := files.OpenArchive(data)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Create(t.Context(), "e", []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no answer")
	removed, err := a.Sweep(t.Context(), func(context.Context, quire.ExecutionID) (bool, error) { return false, broken })
	if removed != 0 || !errors.Is(err, broken) {
		t.Errorf("removed %d, %v, want the store's error", removed, err)
	}
	if got, want := folders(t, data, "executions"), []string{"e"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func folders(t *testing.T, data, name string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(data, name))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

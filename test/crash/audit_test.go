package crash_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"quire"
	"quire/internal/journal"
	"quire/internal/sqlite"
	"quire/nbformat"
)

// audit looks, with no server running, whether the store, the folders, the
// journals, the notebooks and the processes agree, and that nothing is left
// that belongs to nobody. It returns the attempts of each execution.
func (w *world) audit(t *testing.T) map[string]int {
	t.Helper()
	w.auditProcesses(t)
	for _, dir := range []string{w.tmp, filepath.Join(w.data, "tmp", "projects"), filepath.Join(w.data, "tmp", "executions")} {
		for _, name := range names(t, dir) {
			if name != ".ipython" && name != ".cache" && name != ".config" { // the home's
				t.Errorf("%s is left in %s", name, dir)
			}
		}
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(w.data, "quire.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	projects, _, err := store.Projects(t.Context(), quire.ProjectFilter{})
	if err != nil {
		t.Fatal(err)
	}
	executions, _, err := store.Executions(t.Context(), quire.ExecutionFilter{Page: quire.Page{Size: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	if deleted, err := store.DeletedProjects(t.Context()); err != nil || len(deleted) > 0 {
		t.Errorf("projects are not deleted yet: %v, %v", deleted, err)
	}
	var projectIDs, executionIDs []string
	attempts := map[string]int{}
	for _, p := range projects {
		projectIDs = append(projectIDs, string(p.ID))
	}
	for _, e := range executions {
		executionIDs = append(executionIDs, string(e.ID))
		op, err := store.Operation(t.Context(), quire.OperationID(e.ID))
		if err != nil || !op.Done || !e.State.Ended() {
			t.Errorf("execution %s is %s, its operation done: %t, %v", e.ID, e.State, op.Done, err)
		}
		attempts[string(e.ID)] = e.Attempt
		w.auditExecution(t, e)
	}
	for dir, rows := range map[string][]string{"projects": projectIDs, "executions": executionIDs} {
		slices.Sort(rows)
		if folders := names(t, filepath.Join(w.data, dir)); !slices.Equal(folders, rows) {
			t.Errorf("the folders in %s are %q, the store has %q", dir, folders, rows)
		}
	}
	return attempts
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// auditExecution holds the journal against the rules of journals, and the
// store and the notebook against the journal.
func (w *world) auditExecution(t *testing.T, e quire.Execution) {
	t.Helper()
	dir := filepath.Join(w.data, "executions", string(e.ID))
	r, err := journal.OpenFile(quire.Job{Dir: dir}.JournalPath(), -1)
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	var p quire.Progress
	var attempt, cell int32
	over := true // whether the last event ended an attempt
	for {
		ev, err := r.Next() // which refuses gaps
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("execution %s: %v", e.ID, err)
			return
		}
		p.Apply(ev)
		switch {
		case ev.Started != nil:
			if !over || ev.Started.Attempt != attempt+1 {
				t.Errorf("execution %s: attempt %d begins in attempt %d, over: %t", e.ID, ev.Started.Attempt, attempt, over)
			}
			attempt, cell, over = ev.Started.Attempt, -1, false
		case over:
			t.Errorf("execution %s: event %d follows the end", e.ID, ev.Seq)
		case ev.CellStarted != nil:
			if ev.CellStarted.Cell <= cell {
				t.Errorf("execution %s: cell %d runs after cell %d in attempt %d", e.ID, ev.CellStarted.Cell, cell, attempt)
			}
			cell = ev.CellStarted.Cell
		case ev.Finished != nil:
			over = true
		}
	}
	if e.State == quire.Succeeded && e.CellsDone != e.CellsTotal {
		t.Errorf("execution %s: %d of %d cells are done", e.ID, e.CellsDone, e.CellsTotal)
	}
	for _, name := range names(t, dir) {
		if filepath.Ext(name) == ".new" {
			t.Errorf("execution %s: %s is left", e.ID, name)
		}
	}
	if p.State != e.State || p.Attempt != e.Attempt || p.CellsDone != e.CellsDone {
		t.Errorf("execution %s: the store has %+v, the journal %+v", e.ID, e.Progress, p)
	}
	w.auditNotebook(t, e, dir)
}

func (w *world) auditNotebook(t *testing.T, e quire.Execution, dir string) {
	t.Helper()
	data, err := os.ReadFile(quire.Job{Dir: dir}.NotebookPath())
	if errors.Is(err, os.ErrNotExist) && e.State != quire.Succeeded {
		return // no executor came to its end: it is made of the journal when it is asked for
	}
	if err != nil {
		t.Error(err)
		return
	}
	nb, err := nbformat.Parse(data)
	if err == nil {
		err = nb.Validate()
	}
	if err != nil {
		t.Errorf("execution %s: its notebook: %v", e.ID, err)
		return
	}
	if e.State == quire.Succeeded && !bytes.Contains(nb.Metadata["quire"], []byte(`"SUCCEEDED"`)) {
		t.Errorf("execution %s: its notebook says %s", e.ID, nb.Metadata["quire"])
	}
}

// auditProcesses finds what still runs for an execution of this world.
func (w *world) auditProcesses(t *testing.T) {
	t.Helper()
	for _, file := range []string{"cmdline", "environ"} {
		paths, err := filepath.Glob("/proc/[0-9]*/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err == nil && bytes.Contains(text, []byte(w.tmp)) {
				t.Errorf("%s: a process is left: %s", path, bytes.ReplaceAll(text, []byte{0}, []byte{' '}))
			}
		}
	}
}

package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
	"quire/internal/sqlite"
)

func benchmarkStore(b *testing.B) (*sqlite.Store, quire.ProjectID) {
	s := open(b, filepath.Join(b.TempDir(), "quire.db"))
	return s, addProject(b, s)
}

func addExecution(b *testing.B, s *sqlite.Store, project quire.ProjectID) quire.ExecutionID {
	id := quire.NewID()
	e := quire.Execution{
		ID:        quire.ExecutionID(id),
		ProjectID: project,
		Target:    quire.Target{Notebook: "a.ipynb", Given: "a.ipynb"},
		Inputs:    map[string]any{"name": "value"},
		Run:       quire.DefaultRunSettings(),
	}
	_, err := s.CreateExecution(b.Context(), e, quire.Operation{ID: quire.OperationID(id), Kind: quire.OpExecute, CreatedBy: "alice", IdempotencyKey: id}, service.QueueLimits{})
	if err != nil {
		b.Fatal(err)
	}
	return e.ID
}

func BenchmarkCreateExecution(b *testing.B) {
	s, project := benchmarkStore(b)
	for b.Loop() {
		addExecution(b, s, project)
	}
}

func BenchmarkClaimQueued(b *testing.B) {
	s, project := benchmarkStore(b)
	for b.Loop() {
		b.StopTimer()
		addExecution(b, s, project)
		b.StartTimer()
		if _, ok, err := s.ClaimQueued(b.Context(), "d1", time.Now(), -1); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkSaveProgress(b *testing.B) {
	s, project := benchmarkStore(b)
	addExecution(b, s, project)
	e, _, err := s.ClaimQueued(b.Context(), "d1", time.Now(), -1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		e.State = quire.Running
		e.CellsDone++
		if err := s.SaveProgress(b.Context(), e.ID, e.Claim, e.Handle, e.Progress, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOperation(b *testing.B) {
	s, project := benchmarkStore(b)
	id := quire.OperationID(addExecution(b, s, project))
	for b.Loop() {
		if _, err := s.Operation(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

package local

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"quire"
	"quire/internal/imports"
	"quire/nbformat"
)

const (
	// maxLesson is the size of the largest notebook that is learned from.
	maxLesson = 8 << 20
	// maxLessons wait; one more is not learned from.
	maxLessons = 256
)

// Record is what a store knows of executions.
type Record interface {
	Execution(ctx context.Context, id quire.ExecutionID) (quire.Execution, error)
	Executions(ctx context.Context, f quire.ExecutionFilter) ([]quire.Execution, string, error)
}

// Learner learns from the notebooks of executions that have succeeded which
// modules their projects import. It does so beside the executions, after their
// end: nobody waits for it.
type Learner struct {
	record  Record
	folders Executions
	history *imports.History
	logger  *slog.Logger
	lessons chan lesson
	learned chan struct{} // nil but in tests: told after each

	// Then is called with each execution after it was learned from, by Run: the
	// next one of its project may get another kernel. Nil: nobody is told.
	Then func(ctx context.Context, e quire.Execution)
}

// lesson is an execution that has just succeeded, or a project of which
// nothing is known yet.
type lesson struct {
	execution quire.ExecutionID
	project   quire.ProjectID
}

// NewLearner returns a Learner, which Run makes learn.
func NewLearner(record Record, folders Executions, logger *slog.Logger) *Learner {
	return &Learner{
		record: record, folders: folders, history: imports.NewHistory(nil), logger: logger, lessons: make(chan lesson, maxLessons),
	}
}

// Ended is told of executors that have ended, as Backend.Ended is.
func (l *Learner) Ended(dir string, end *quire.Finished) {
	if l != nil && end != nil && end.State == quire.Succeeded {
		l.later(lesson{execution: quire.ExecutionID(filepath.Base(dir))})
	}
}

// later has something learned, unless there is too much to learn.
func (l *Learner) later(it lesson) {
	select {
	case l.lessons <- it:
	default:
	}
}

// lists returns what the project's notebooks import, and what they did before.
func (l *Learner) lists(job quire.Job) [][]string {
	if l == nil || job.ProjectID == "" || job.Terms.NoLearning {
		return nil
	}
	chosen, before, known := l.history.Choice(job.ProjectID)
	if !known {
		l.later(lesson{project: job.ProjectID})
	}
	switch {
	case len(chosen) == 0:
		return nil
	case len(before) == 0:
		return [][]string{chosen}
	}
	return [][]string{chosen, before}
}

// Run learns until ctx ends.
func (l *Learner) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case it := <-l.lessons:
			if err := l.learn(ctx, it); err != nil && ctx.Err() == nil {
				l.logger.Warn("learn what notebooks import", "execution_id", it.execution, "project_id", it.project, "error", err)
			}
			if l.learned != nil {
				l.learned <- struct{}{}
			}
		}
	}
}

func (l *Learner) learn(ctx context.Context, it lesson) error {
	if it.execution == "" {
		return l.recall(ctx, it.project)
	}
	// Which project's it is only the store says: the folder was the notebook's to write to.
	e, err := l.record.Execution(ctx, it.execution)
	if err != nil {
		return err
	}
	if e.Terms.NoLearning {
		return nil
	}
	if _, _, known := l.history.Choice(e.ProjectID); !known {
		if err := l.recall(ctx, e.ProjectID); err != nil {
			return err
		}
	}
	l.history.Add(e.ProjectID, e.ID, l.read(e.ID))
	if l.Then != nil {
		l.Then(ctx, e)
	}
	return nil
}

// recall reads what executions have left that ended before this server began.
func (l *Learner) recall(ctx context.Context, id quire.ProjectID) error {
	past, _, err := l.record.Executions(ctx, quire.ExecutionFilter{
		ProjectID: id, State: quire.Succeeded, Page: quire.Page{Size: imports.Window},
	})
	if err != nil {
		return err
	}
	for _, e := range past {
		if !e.Terms.NoLearning {
			l.history.Recall(id, e.ID, l.read(e.ID))
		}
	}
	return nil
}

// read returns what the execution's notebook imports, nothing if it cannot be
// read. A notebook could have put anything in its own place.
func (l *Learner) read(id quire.ExecutionID) []string {
	path := quire.Job{Dir: l.folders.Path(id)}.InputPath()
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxLesson {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close() // only read from
	nb, err := nbformat.Read(io.LimitReader(f, maxLesson))
	if err != nil {
		return nil
	}
	return imports.Of(nb)
}

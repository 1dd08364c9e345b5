package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
)

// TestSharedTransactions submits from many callers at once, some of them in
// vain and some twice under one key: each gets the answer to its own.
func TestSharedTransactions(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "quire.db"))
	project := addProject(t, s)
	const callers, each = 16, 20
	var submitting sync.WaitGroup
	for range callers {
		submitting.Go(func() {
			for i := range each {
				id := quire.NewID()
				e := quire.Execution{ID: quire.ExecutionID(id), ProjectID: project, Run: quire.DefaultRunSettings()}
				op := quire.Operation{ID: quire.OperationID(id), Kind: quire.OpExecute, CreatedBy: "alice"}
				switch i % 4 {
				case 1:
					e.ProjectID = "none"
				case 2:
					op.IdempotencyKey = "everybody's"
				}
				stored, err := s.CreateExecution(t.Context(), e, op, service.QueueLimits{})
				switch {
				case i%4 == 1:
					if quire.CodeOf(err) != quire.NotFound {
						t.Errorf("in no project: got %v, want NotFound", err)
					}
				case err != nil:
					t.Error(err)
				case i%4 != 2 && stored.ID != op.ID:
					t.Errorf("got operation %s, want %s", stored.ID, op.ID)
				}
			}
		})
	}
	submitting.Wait()
	if got, want := len(queued(t, s, project)), callers*each/2+1; got != want {
		t.Errorf("%d executions are queued, want %d", got, want)
	}
}

func queued(t *testing.T, s service.ExecutionStore, project quire.ProjectID) []quire.ExecutionID {
	t.Helper()
	list, _, err := s.Executions(t.Context(), quire.ExecutionFilter{ProjectID: project, State: quire.Queued, Page: quire.Page{Size: quire.MaxPageSize}})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]quire.ExecutionID, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids
}

// TestOneChangeFails looks at what becomes of the changes beside one that
// fails, that nobody waits for, or with which SQLite gives up the transaction.
func TestOneChangeFails(t *testing.T) {
	errNo := errors.New("no")
	gone, leave := context.WithCancel(t.Context())
	leave()
	rename := func(name string, err error) func(*sql.Tx) error {
		return func(tx *sql.Tx) error {
			_, execErr := tx.ExecContext(t.Context(), "UPDATE communities SET description = description || ?", name)
			return errors.Join(execErr, err)
		}
	}
	runs := 0
	tests := map[string]struct {
		ctx     context.Context //nolint:containedctx // of one change
		failing func(*sql.Tx) error
		want    error
		text    string
	}{
		"an error":     {t.Context(), rename("x", errNo), errNo, "ac"},
		"nobody waits": {gone, rename("x", nil), context.Canceled, "ac"},
		"none":         {t.Context(), rename("b", nil), nil, "abc"},
		"the transaction is gone": {t.Context(), func(tx *sql.Tx) error {
			if runs++; runs > 1 {
				return rename("b", nil)(tx)
			}
			_, err := tx.ExecContext(t.Context(), "ROLLBACK")
			return errors.Join(err, errNo)
		}, nil, "abc"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, filepath.Join(t.TempDir(), "quire.db"))
			ctxs := []context.Context{t.Context(), test.ctx, t.Context()}
			errs := s.Together(ctxs, rename("a", nil), test.failing, rename("c", nil))
			if !errors.Is(errs[1], test.want) || (test.want == nil) != (errs[1] == nil) {
				t.Errorf("got %v, want %v", errs[1], test.want)
			}
			if others := slices.Delete(slices.Clone(errs), 1, 2); errors.Join(others...) != nil {
				t.Errorf("the others: %v", others)
			}
			community, err := s.Community(t.Context(), quire.DefaultCommunity)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.text, community.Description); diff != "" {
				t.Errorf("what is stored (-want +got):\n%s", diff)
			}
		})
	}
}

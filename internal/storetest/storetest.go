// Package storetest is the one suite that every store must pass, whatever
// database it is made on. It states, as tests, the contracts of the packages
// service and dispatch.
//
// What only one database can get wrong (its settings, its files, its
// migrations) is for the tests of that store's own package.
package storetest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/dispatch"
	"quire/internal/service"
)

// Store is all that a store must be.
type Store interface {
	service.Store
	service.DeletionStore
	dispatch.Store
}

// Run runs the suite. Open returns a new, empty store, whose clock is the
// machine's, and closes it at the end of the test.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"DefaultCommunity", defaultCommunity},
		{"Communities", communities},
		{"CommunityFilters", communityFilters},
		{"UpdateCommunity", updateCommunity},
		{"DeleteCommunity", deleteCommunity},
		{"Projects", projects},
		{"ProjectFilters", projectFilters},
		{"UpdateProject", updateProject},
		{"Executions", executions},
		{"ExecutionFilters", executionFilters},
		{"RequestCancel", requestCancel},
		{"Operations", operations},
		{"Taken", taken},
		{"CancelledContext", cancelledContext},
		{"IdempotencyRepeated", idempotencyRepeated},
		{"IdempotencyAtOnce", idempotencyAtOnce},
		{"IdempotencyPerCreator", idempotencyPerCreator},
		{"PageCommunities", pageCommunities},
		{"PageProjects", pageProjects},
		{"PageExecutions", pageExecutions},
		{"PageTokens", pageTokens},
		{"PageSizes", pageSizes},
		{"ClaimOrder", claimOrder},
		{"ClaimFair", claimFair},
		{"ClaimPriority", claimPriority},
		{"ClaimMaxRunning", claimMaxRunning},
		{"QueueLimits", queueLimits},
		{"Cancelled", cancelledQueued},
		{"ClaimExecution", claimExecution},
		{"ClaimOnce", claimOnce},
		{"ClaimLost", claimLost},
		{"ClaimAbandoned", claimAbandoned},
		{"RenewClaims", renewClaims},
		{"SaveProgress", saveProgress},
		{"SaveProgressQueued", saveProgressQueued},
		{"SaveProgressEnd", saveProgressEnd},
		{"DeleteProject", deleteProject},
		{"DeleteProjectWhileRunning", deleteProjectWhileRunning},
		{"PurgeProject", purgeProject},
		{"Has", has},
		{"UnitBalance", unitBalance},
		{"Budget", budget},
		{"Expired", expired},
		{"RemoveExecutions", removeExecutions},
		{"RemoveOperations", removeOperations},
		{"Schedules", schedules},
		{"SchedulesOfDeletedProject", schedulesOfDeletedProject},
		{"NextDue", nextDue},
		{"Fire", fire},
		{"Sweeps", sweeps},
		{"Webhooks", webhooks},
		{"Deliveries", deliveries},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// start is when the suite's world begins: in microseconds, which every
// database keeps.
var start = time.Date(2026, 11, 23, 9, 17, 51, 123456000, time.UTC)

// operation returns a new operation of alice's.
func operation(kind quire.OperationKind) quire.Operation {
	return quire.Operation{
		ID:          quire.OperationID(quire.NewID()),
		Kind:        kind,
		Description: "a description",
		CreatedBy:   "alice",
		CreatedAt:   start,
		ModifiedAt:  start.Add(time.Second),
	}
}

// withKey returns a new operation of alice's that carries an idempotency key.
func withKey(kind quire.OperationKind, key string) quire.Operation {
	op := operation(kind)
	op.IdempotencyKey, op.RequestDigest = key, "digest of "+string(op.ID)
	return op
}

func newCommunity() quire.Community {
	return quire.Community{ID: quire.CommunityID(quire.NewID()), Name: "a community", CreatedBy: "alice", CreatedAt: start}
}

func newProject() quire.Project {
	return quire.Project{
		ID:          quire.ProjectID(quire.NewID()),
		CommunityID: quire.DefaultCommunity,
		Name:        "a project",
		CreatedBy:   "alice",
		CreatedAt:   start,
	}
}

func newExecution(project quire.ProjectID) quire.Execution {
	return quire.Execution{
		ID:        quire.ExecutionID(quire.NewID()),
		ProjectID: project,
		Target:    quire.Target{Notebook: "a.ipynb", Given: "a.ipynb"},
		CreatedBy: "alice",
		CreatedAt: start,
		Progress:  quire.Progress{State: quire.Queued},
	}
}

// executeOperation returns the operation of an execution.
func executeOperation(e quire.Execution) quire.Operation {
	op := operation(quire.OpExecute)
	op.ID, op.ProjectID, op.Target = quire.OperationID(e.ID), e.ProjectID, e.Target
	return op
}

func addCommunity(t *testing.T, s Store, c quire.Community) quire.Community {
	t.Helper()
	_, err := s.CreateCommunity(t.Context(), c, operation(quire.OpCreateCommunity))
	must(t, err)
	return c
}

func addProject(t *testing.T, s Store, p quire.Project) quire.Project {
	t.Helper()
	_, err := s.CreateProject(t.Context(), p, operation(quire.OpCreateProject))
	must(t, err)
	return p
}

func addExecution(t *testing.T, s Store, e quire.Execution) quire.Execution {
	t.Helper()
	_, err := s.CreateExecution(t.Context(), e, executeOperation(e), service.QueueLimits{})
	must(t, err)
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails the test unless err is a *quire.Error of the given code.
func wantCode(t *testing.T, err error, want quire.Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of code %d", want)
	}
	if got := quire.CodeOf(err); got != want {
		t.Fatalf("code %d, want %d: %v", got, want, err)
	}
}

// same fails the test unless got and want are equal: nil and empty differ,
// JSON is compared by what it says.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(got, want, cmp.Comparer(equalJSON)); diff != "" {
		t.Fatalf("%s: -got +want\n%s", what, diff)
	}
}

func equalJSON(a, b json.RawMessage) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func decode(raw json.RawMessage) (value any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err = dec.Decode(&value)
	return value, err
}

// result fails the test unless op is done and its result is want as JSON.
func result(t *testing.T, op quire.Operation, want any) {
	t.Helper()
	raw, err := json.Marshal(want)
	must(t, err)
	if !op.Done || op.Failure != nil {
		t.Fatalf("operation done: %t, failure %v, want it done without one", op.Done, op.Failure)
	}
	same(t, "result", op.Result, raw)
}

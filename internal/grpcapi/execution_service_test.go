package grpcapi_test

import (
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/journal"
)

func TestGetExecution(t *testing.T) {
	a := newAPI(t)
	req := a.run()
	req.InputVariables = inputs(t, map[string]any{"n": 3.0, "l": []any{"a", nil}})
	req.OutputVariableNames = []string{"total", "gone"}
	op, err := a.projects.Execute(known(t), req)
	if err != nil {
		t.Fatal(err)
	}
	created := op.GetCreatedAt().AsTime()
	after := func(ms int) time.Time { return created.Add(time.Duration(ms) * time.Millisecond) }
	a.end(t, quire.Progress{
		State: quire.Failed, Attempt: 2, Kernel: "python3", CellsTotal: 5, CellsDone: 3,
		Timing: quire.Timing{Started: after(100), Environment: after(300), Kernel: after(600), Finished: after(1000)},
		Outputs: []quire.Variable{
			{Name: "total", Type: quire.DictVariable, Value: json.RawMessage(`{"a":[1,null]}`), Truncated: true},
			{Name: "gone", Type: quire.MissingVariable},
		},
		Failure: &quire.Failure{
			Kind: quire.KernelDied, Message: "The kernel died.", Cell: new(0), CellID: "first", Signal: "SIGKILL", ExitStatus: new(0),
			ErrorName: "E", ErrorValue: "v", Traceback: []string{"t"}, Limit: "l",
		},
	}, nil)

	got, err := a.executions.Get(known(t), &quirev1.GetExecutionRequest{ExecutionId: op.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	total, err := structpb.NewValue(map[string]any{"a": []any{1, nil}})
	if err != nil {
		t.Fatal(err)
	}
	want := &quirev1.Execution{
		Id: op.GetId(), ProjectId: a.project, State: quirev1.State_FAILED, Notebook: "sales.ipynb",
		InputVariables: req.GetInputVariables(), OutputVariableNames: req.GetOutputVariableNames(),
		Spec: "c1.4", Kernel: "python3", CreatedBy: "alice",
		CreatedAt: op.GetCreatedAt(), StartedAt: timestamppb.New(after(100)), FinishedAt: timestamppb.New(after(1000)),
		Durations: &quirev1.Durations{QueuedMs: 100, EnvironmentMs: 200, KernelStartMs: 300, RunningMs: 400},
		CellsDone: 3, CellsTotal: 5, Attempt: 2,
		OutputVariables: []*quirev1.Variable{
			{Name: "total", Type: "dict", Value: total, Truncated: true},
			{Name: "gone", Type: "missing"},
		},
		Failure: &quirev1.Failure{
			Kind: "kernel", Message: "The kernel died.", Cell: new(int32(0)), CellId: "first", Signal: "SIGKILL", ExitStatus: new(int32(0)),
			ErrorName: "E", ErrorValue: "v", Traceback: []string{"t"}, Limit: "l",
		},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("execution (-want +got):\n%s", diff)
	}
	_, err = a.executions.Get(known(t), &quirev1.GetExecutionRequest{ExecutionId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
}

func TestListExecutions(t *testing.T) {
	a := newAPI(t)
	first, second := a.execute(t).GetId(), a.execute(t).GetId()
	a.end(t, quire.Progress{State: quire.Aborted, Timing: quire.Timing{Finished: time.Now()}}, nil) // the first
	list := func(t *testing.T, req *quirev1.ListExecutionsRequest) ([]string, string) {
		t.Helper()
		req.ProjectId = a.project
		found, err := a.executions.List(known(t), req)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range found.GetExecutions() {
			ids = append(ids, e.GetId())
			if d := e.GetDurations(); d.GetEnvironmentMs() != 0 || d.GetRunningMs() != 0 {
				t.Errorf("got %v, want all the time in the queue", d)
			}
		}
		return ids, found.GetNextPageToken()
	}
	if ids, next := list(t, &quirev1.ListExecutionsRequest{}); next != "" || !cmp.Equal(ids, []string{second, first}) {
		t.Errorf("got %v, %q, want the newest first", ids, next)
	}
	if ids, _ := list(t, &quirev1.ListExecutionsRequest{State: quirev1.State_ABORTED}); !cmp.Equal(ids, []string{first}) {
		t.Errorf("got %v, want the aborted one", ids)
	}
	ids, next := list(t, &quirev1.ListExecutionsRequest{PageSize: 1})
	rest, _ := list(t, &quirev1.ListExecutionsRequest{PageSize: 1, PageToken: next})
	if got := append(ids, rest...); !cmp.Equal(got, []string{second, first}) {
		t.Errorf("got %v page by page", got)
	}
	_, err := a.executions.List(known(t), &quirev1.ListExecutionsRequest{ProjectId: a.project, State: 99})
	wantStatus(t, err, codes.InvalidArgument, "state", "99")
	_, err = a.executions.List(known(t), &quirev1.ListExecutionsRequest{ProjectId: "nope"})
	wantStatus(t, err, codes.NotFound, "project_id", "nope")
}

func TestWait(t *testing.T) {
	a := newAPI(t)
	id := a.execute(t).GetId()
	wait := func(timeout *durationpb.Duration) (*quirev1.Execution, error) {
		return a.executions.Wait(known(t), &quirev1.WaitRequest{ExecutionId: id, Timeout: timeout})
	}
	if e, err := wait(durationpb.New(0)); err != nil || e.GetId() != id || e.GetState() != quirev1.State_QUEUED {
		t.Errorf("got %v, %v, want it in the queue", e, err)
	}
	for _, timeout := range []*durationpb.Duration{{Seconds: -1}, {Seconds: 601}, {Nanos: -1}, {Seconds: 1, Nanos: -1}, {Seconds: 1 << 60}} {
		_, err := wait(timeout)
		wantStatus(t, err, codes.InvalidArgument, "timeout", "must be")
	}
	_, err := a.executions.Wait(known(t), &quirev1.WaitRequest{ExecutionId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
	a.end(t, quire.Progress{State: quire.Succeeded}, nil)
	if e, err := wait(nil); err != nil || e.GetState() != quirev1.State_SUCCEEDED {
		t.Errorf("got %v, %v, want the end at once", e, err)
	}
}

// everyEvent has each kind of event with each of its fields set.
func everyEvent() []quire.Event {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	return []quire.Event{
		{Started: &quire.Started{Attempt: 1, Cells: 2, Injected: &quire.InjectedCell{Index: 1, ID: "i", Source: "a = 1"}}},
		{KernelStarting: &quire.KernelStarting{Kernel: "python3"}},
		{KernelReady: &quire.KernelReady{Implementation: "ipython", ProtocolVersion: "5.3", LanguageInfo: raw(`{"name":"python"}`), Start: quire.ForkedStart}},
		{CellStarted: &quire.CellStarted{Cell: 1, ID: "first"}},
		{Stream: &quire.Stream{Cell: 1, WidgetID: "w", Name: "stderr", Text: "\u001b[1m\r"}},
		{Output: &quire.Output{Cell: 1, WidgetID: "w", DisplayID: "d", Output: raw(`{"output_type":"display_data","data":{"text/plain":"x"},"metadata":{}}`)}},
		{DisplayUpdated: &quire.DisplayUpdated{DisplayID: "d", Data: raw(`{"text/plain":["y"]}`), Metadata: raw(`{"a":null}`)}},
		{OutputCleared: &quire.OutputCleared{Cell: 1, WidgetID: "w", Wait: true}},
		{OutputCut: &quire.OutputCut{Cell: 1, Limit: "cell", Bytes: "67108864"}},
		{WidgetUpdated: &quire.WidgetUpdated{WidgetID: "w", Closed: true, State: raw(`{"v":1.5}`), Buffers: raw(`[{"path":["a",1],"data":"eA==","encoding":"base64"}]`)}},
		{CellFinished: &quire.CellFinished{
			Cell: 1, ID: "first", Status: quire.CellError, Tolerated: true, ExecutionCount: 3,
			ErrorName: "E", ErrorValue: "v", Traceback: []string{"t"}, Timing: map[string]string{"iopub.status.busy": "2026"},
		}},
		{OutputVariables: &quire.OutputVariables{Variables: []quire.Variable{{Name: "a", Type: quire.IntVariable, Value: raw(`"9007199254740993"`), Truncated: true}}}},
		{Usage: &quire.Usage{CPUSeconds: 1.25, MemoryBytes: 1 << 40, PeakMemory: 1 << 41}},
		{Finished: &quire.Finished{State: quire.Failed, Retry: true, Failure: &quire.Failure{Kind: quire.QuireFault, Message: "m"}}},
		{Started: &quire.Started{Attempt: 2}},
		{Finished: &quire.Finished{State: quire.Succeeded}},
	}
}

// The proto JSON of an event is the journal's own: whoever reads one can read
// the other.
func TestWatch(t *testing.T) {
	a := newAPI(t)
	id := a.execute(t).GetId()
	w, err := journal.Open(a.archive.JournalPath(quire.ExecutionID(id)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range everyEvent() {
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a.end(t, quire.Progress{State: quire.Succeeded}, nil)
	r, err := journal.OpenFile(a.archive.JournalPath(quire.ExecutionID(id)), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	stream, err := a.executions.Watch(known(t), &quirev1.WatchRequest{ExecutionId: id})
	if err != nil {
		t.Fatal(err)
	}
	for i := range everyEvent() {
		line, err := r.NextRaw()
		if err != nil {
			t.Fatal(err)
		}
		want := &quirev1.Event{}
		if err := protojson.Unmarshal(line, want); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || got.GetSeq() != int32(i+1) || got.GetBody() == nil {
			t.Errorf("event %d (-journal +got):\n%s", i+1, diff)
		}
	}
	if e, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v after the end", e, err)
	}
	t.Run("from the middle", func(t *testing.T) {
		stream, err := a.executions.Watch(known(t), &quirev1.WatchRequest{ExecutionId: id, After: 15})
		if err != nil {
			t.Fatal(err)
		}
		if e, err := stream.Recv(); err != nil || e.GetSeq() != 16 {
			t.Errorf("got %v, %v, want event 16", e, err)
		}
		if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the end", err)
		}
	})
	t.Run("some kinds", func(t *testing.T) {
		stream, err := a.executions.Watch(known(t), &quirev1.WatchRequest{ExecutionId: id, Kinds: []string{"usage", "cellStarted"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []int32{4, 13, 14, 16} { // the ends of the attempts are always told
			if e, err := stream.Recv(); err != nil || e.GetSeq() != want {
				t.Errorf("got %v, %v, want event %d", e, err, want)
			}
		}
		if e, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, %v after the end", e, err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, tt := range []struct {
			req   *quirev1.WatchRequest
			code  codes.Code
			field string
		}{
			{&quirev1.WatchRequest{ExecutionId: id, After: -1}, codes.InvalidArgument, "after"},
			{&quirev1.WatchRequest{ExecutionId: id, Kinds: []string{"usage", "cell_started"}}, codes.InvalidArgument, "kinds"},
			{&quirev1.WatchRequest{ExecutionId: "nope"}, codes.NotFound, ""},
		} {
			stream, err := a.executions.Watch(known(t), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			_, err = stream.Recv()
			wantStatus(t, err, tt.code, tt.field, "")
		}
	})
}

// The client of a queued execution learns at once that it is going to be told.
func TestWatchAnswersAtOnce(t *testing.T) {
	a := newAPI(t)
	stream, err := a.executions.Watch(known(t), &quirev1.WatchRequest{ExecutionId: a.execute(t).GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if header, err := stream.Header(); err != nil || len(header.Get("x-request-id")) != 1 {
		t.Errorf("got header %v, %v, want it before any event", header, err)
	}
}

func TestGetNotebook(t *testing.T) {
	a := newAPI(t)
	stream, err := a.executions.GetNotebook(known(t), &quirev1.GetNotebookRequest{ExecutionId: a.execute(t).GetId()})
	if err != nil {
		t.Fatal(err)
	}
	var content []byte
	kinds := map[string]int{}
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds[piece.GetContentType()]++
		content = append(content, piece.GetData()...)
	}
	var nb struct{ Cells []struct{ ID string } }
	if err := json.Unmarshal(content, &nb); err != nil || len(nb.Cells) != 1 || nb.Cells[0].ID != "first" {
		t.Errorf("got %s, %v, want the notebook", content, err)
	}
	if kinds["application/x-ipynb+json"] != 1 {
		t.Errorf("got content types %v, want a notebook's", kinds)
	}
}

func TestRunSettings(t *testing.T) {
	a := newAPI(t)
	full := &quirev1.RunSettings{
		CellTimeout: durationpb.New(-1), RunTimeout: durationpb.New(time.Hour), InterruptGrace: durationpb.New(time.Second),
		MaxCellOutput: 1, MaxOutput: 2, MaxVariableBytes: 3, MaxVariableRows: 4,
	}
	update := &quirev1.UpdateRunSettingsRequest{ProjectId: a.project, RunSettings: full}
	got, err := a.runSettings.Update(known(t), update)
	if diff := cmp.Diff(full, got, protocmp.Transform()); err != nil || diff != "" {
		t.Fatalf("%v, settings (-want +got):\n%s", err, diff)
	}
	update.RunSettings = &quirev1.RunSettings{}
	update.UpdateMask = &fieldmaskpb.FieldMask{Paths: []string{"run_timeout", "max_output"}}
	if _, err := a.runSettings.Update(known(t), update); err != nil {
		t.Fatal(err)
	}
	full.RunTimeout, full.MaxOutput = nil, 0
	got, err = a.runSettings.Get(known(t), &quirev1.GetRunSettingsRequest{ProjectId: a.project})
	if diff := cmp.Diff(full, got, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("%v, settings (-want +got):\n%s", err, diff)
	}
	update.RunSettings.InterruptGrace = &durationpb.Duration{Seconds: 1, Nanos: -1}
	_, err = a.runSettings.Update(known(t), update)
	wantStatus(t, err, codes.InvalidArgument, "run_settings.interrupt_grace", "")
	_, err = a.runSettings.Get(known(t), &quirev1.GetRunSettingsRequest{ProjectId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
}

func TestPolicy(t *testing.T) {
	a := newAPI(t)
	full := &quirev1.Policy{MaxRunning: -1, MaxQueued: 2, Priority: -3, MaxAttempts: 4, KeepFor: durationpb.New(time.Hour), KeepLast: 5, NoLearning: true}
	update := &quirev1.UpdatePolicyRequest{ProjectId: a.project, Policy: full}
	got, err := a.policies.Update(known(t), update)
	if diff := cmp.Diff(full, got, protocmp.Transform()); err != nil || diff != "" {
		t.Fatalf("%v, policy (-want +got):\n%s", err, diff)
	}
	update.Policy = &quirev1.Policy{KeepFor: durationpb.New(-1)}
	update.UpdateMask = &fieldmaskpb.FieldMask{Paths: []string{"keep_for", "max_queued"}}
	if _, err := a.policies.Update(known(t), update); err != nil {
		t.Fatal(err)
	}
	full.KeepFor, full.MaxQueued = durationpb.New(-1), 0
	got, err = a.policies.Get(known(t), &quirev1.GetPolicyRequest{ProjectId: a.project})
	if diff := cmp.Diff(full, got, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("%v, policy (-want +got):\n%s", err, diff)
	}
	for field, refused := range map[string]*quirev1.Policy{
		"policy.keep_for":     {KeepFor: &durationpb.Duration{Seconds: 1, Nanos: -1}},
		"policy.priority":     {Priority: 101},
		"policy.max_attempts": {MaxAttempts: 11},
	} {
		_, err = a.policies.Update(known(t), &quirev1.UpdatePolicyRequest{ProjectId: a.project, Policy: refused})
		wantStatus(t, err, codes.InvalidArgument, field, "")
	}
	_, err = a.policies.Get(known(t), &quirev1.GetPolicyRequest{ProjectId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
}

func TestRetry(t *testing.T) {
	a := newAPI(t)
	id := a.execute(t).GetId()
	retry := &quirev1.RetryExecutionRequest{ExecutionId: id}
	_, err := a.executions.Retry(known(t), retry)
	wantStatus(t, err, codes.FailedPrecondition, "execution_id", "QUEUED")
	a.end(t, quire.Progress{State: quire.Failed}, nil)
	ctx := known(t, "idempotency-key", "0c0fdd58-9a24-4b35-b0cb-6d0a2e9d2f46")
	e, err := a.executions.Retry(ctx, retry)
	if err != nil || e.GetRetryOf() != id || e.GetState() != quirev1.State_QUEUED || e.GetId() == id {
		t.Fatalf("got %v, %v, want a new execution in the queue", e, err)
	}
	if again, err := a.executions.Retry(ctx, retry); err != nil || again.GetId() != e.GetId() {
		t.Errorf("repeated: got %v, %v, want %s", again, err, e.GetId())
	}
	want := &datasphere.ProjectExecutionMetadata{
		ProjectId: a.project, Target: &datasphere.ProjectExecutionMetadata_NotebookId{NotebookId: "sales.ipynb"},
	}
	if diff := cmp.Diff(want, metadataOf[*datasphere.ProjectExecutionMetadata](t, a.operation(t, e.GetId())), protocmp.Transform()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	_, err = a.executions.Retry(known(t), &quirev1.RetryExecutionRequest{ExecutionId: "nope"})
	wantStatus(t, err, codes.NotFound, "execution_id", "nope")
}

// An execution shows what it may use, what it has run and what was lost.
func TestGetExecutionRecords(t *testing.T) {
	a := newAPI(t)
	id := a.execute(t).GetId()
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a.end(t, quire.Progress{
		State: quire.Failed, Attempt: 2, Price: 4, Units: 12,
		Attempts: []quire.Attempt{{Number: 1, Started: at, Finished: at.Add(time.Second), Failure: &quire.Failure{Kind: quire.QuireFault, Message: "lost"}}},
		Bounds:   &quire.Bounds{CPUs: 2, MemoryBytes: 1 << 40, Processes: 3, Clamped: true, By: "cgroup v1"},
		Receipt:  &quire.Receipt{Notebook: "sha256:a", Inputs: "sha256:b", Environment: "sha256:c", RetryOf: "first"},
		Failure:  &quire.Failure{Kind: quire.Limited, Message: "m", PeakMemory: 5, MemoryLimit: 6},
		Timing:   quire.Timing{Started: at.Add(2 * time.Second), Finished: at.Add(5 * time.Second)},
	}, nil)
	got, err := a.executions.Get(known(t), &quirev1.GetExecutionRequest{ExecutionId: id})
	if err != nil {
		t.Fatal(err)
	}
	want := &quirev1.Execution{
		Units: 12, Attempt: 2,
		Attempts: []*quirev1.Attempt{{
			Number: 1, Started: timestamppb.New(at), Finished: timestamppb.New(at.Add(time.Second)),
			Failure: &quirev1.Failure{Kind: "quire", Message: "lost"},
		}},
		Bounds:  &quirev1.Bounds{Cpus: 2, MemoryBytes: 1 << 40, Processes: 3, Clamped: true, By: "cgroup v1"},
		Receipt: &quirev1.Receipt{Notebook: "sha256:a", Inputs: "sha256:b", Environment: "sha256:c", RetryOf: "first"},
		Failure: &quirev1.Failure{Kind: "limit", Message: "m", PeakMemoryBytes: 5, MemoryLimitBytes: 6},
	}
	kept := &quirev1.Execution{
		Units: got.GetUnits(), Attempt: got.GetAttempt(), Attempts: got.GetAttempts(),
		Bounds: got.GetBounds(), Receipt: got.GetReceipt(), Failure: got.GetFailure(),
	}
	if diff := cmp.Diff(want, kept, protocmp.Transform()); diff != "" {
		t.Errorf("execution (-want +got):\n%s", diff)
	}
}

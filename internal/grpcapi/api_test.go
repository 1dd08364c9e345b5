package grpcapi_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	datasphere1 "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"quire"
	"quire/internal/files"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/grpcapi"
	"quire/internal/service"
	"quire/internal/sqlite"
)

// api is a server of all services on the real store and files. The queue does
// not move by itself.
type api struct {
	server      *grpcapi.Server
	store       *sqlite.Store
	archive     *files.Archive
	projects    datasphere.ProjectServiceClient
	communities datasphere.CommunityServiceClient
	data        datasphere1.ProjectDataServiceClient
	operations  operation.OperationServiceClient
	executions  quirev1.ExecutionServiceClient
	files       quirev1.FileServiceClient
	runSettings quirev1.RunSettingsServiceClient
	policies    quirev1.PolicyServiceClient
	schedules   quirev1.ScheduleServiceClient
	project     string
}

const sales = `{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[
 {"cell_type":"code","id":"first","metadata":{},"source":"print(1)","execution_count":null,"outputs":[]}]}`

func newAPI(t *testing.T) *api {
	t.Helper()
	dir := t.TempDir()
	a := &api{}
	var err error
	if a.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "quire.db"), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.store.Close() })
	store, err := files.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if a.archive, err = files.OpenArchive(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.archive.Close() })
	s := service.New(service.Parts{
		Store: a.store, Deletions: a.store, Files: store, Archive: a.archive, Dispatcher: still{}, Kernels: pythonAlone{},
	}, nil)
	if a.server, err = grpcapi.NewServer(onlyAlice{}, grpcapi.Register(s, noonAlice{}, ""), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.server.Close() })

	conn := a.server.Conn()
	a.projects = datasphere.NewProjectServiceClient(conn)
	a.communities = datasphere.NewCommunityServiceClient(conn)
	a.data = datasphere1.NewProjectDataServiceClient(conn)
	a.operations = operation.NewOperationServiceClient(conn)
	a.executions = quirev1.NewExecutionServiceClient(conn)
	a.files = quirev1.NewFileServiceClient(conn)
	a.runSettings = quirev1.NewRunSettingsServiceClient(conn)
	a.policies = quirev1.NewPolicyServiceClient(conn)
	a.schedules = quirev1.NewScheduleServiceClient(conn)
	op, err := a.projects.Create(known(t), &datasphere.CreateProjectRequest{CommunityId: "default", Name: "sales"})
	if err != nil {
		t.Fatal(err)
	}
	a.project = metadataOf[*datasphere.CreateProjectMetadata](t, op).GetProjectId()
	a.put(t, "sales.ipynb", sales)
	return a
}

func (a *api) put(t *testing.T, path, content string) {
	t.Helper()
	stream, err := a.files.Put(known(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(putRequest(a.project, path, content)); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); err != nil {
		t.Fatal(err)
	}
}

// run returns a request to execute the notebook of every api.
func (a *api) run() *datasphere.ProjectExecutionRequest {
	return &datasphere.ProjectExecutionRequest{
		ProjectId: a.project, Target: &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: "sales.ipynb"},
	}
}

func (a *api) execute(t *testing.T) *operation.Operation {
	t.Helper()
	op, err := a.projects.Execute(known(t), a.run())
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// end ends the oldest queued execution as p says.
func (a *api) end(t *testing.T, p quire.Progress, failed *quire.Error) {
	t.Helper()
	e, ok, err := a.store.ClaimQueued(t.Context(), "me", time.Now().Add(time.Hour), -1)
	if err != nil || !ok {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	if err := a.store.SaveProgress(t.Context(), e.ID, e.Claim, nil, p, failed); err != nil {
		t.Fatal(err)
	}
}

func (a *api) operation(t *testing.T, id string) *operation.Operation {
	t.Helper()
	op, err := a.operations.Get(known(t), &operation.GetOperationRequest{OperationId: id})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// metadataOf returns an operation's metadata, which must be an M.
func metadataOf[M proto.Message](t *testing.T, op *operation.Operation) M {
	t.Helper()
	m, err := op.GetMetadata().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	want, ok := m.(M)
	if !ok {
		t.Fatalf("got metadata %T, want %T", m, want)
	}
	return want
}

// responseOf returns the response of an operation that is done, which must be an M.
func responseOf[M proto.Message](t *testing.T, op *operation.Operation) M {
	t.Helper()
	if !op.GetDone() || op.GetError() != nil {
		t.Fatalf("got %v, want it to be done", op)
	}
	m, err := op.GetResponse().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	want, ok := m.(M)
	if !ok {
		t.Fatalf("got response %T, want %T", m, want)
	}
	return want
}

// wantStatus fails unless err has the code, the message in it and, where field
// is not empty, a detail about that field.
func wantStatus(t *testing.T, err error, code codes.Code, field, message string) {
	t.Helper()
	st := status.Convert(err)
	if st.Code() != code || !strings.Contains(st.Message(), message) {
		t.Errorf("got %v, want %v with %q", err, code, message)
	}
	if field == "" {
		return
	}
	for _, d := range st.Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok && bad.GetFieldViolations()[0].GetField() == field {
			return
		}
	}
	t.Errorf("got details %v, want the field %s", st.Details(), field)
}

// still is a service.Dispatcher that attends to nothing.
type still struct{}

func (still) Wake()                    {}
func (still) Cancel(quire.ExecutionID) {}

func (still) Live(quire.ExecutionID) (quire.Progress, bool) { return quire.Progress{}, false }

func (still) Journal(quire.ExecutionID) (int64, bool, <-chan struct{}) { return 0, false, nil }

// pythonAlone is a service.Kernels.
type pythonAlone struct{}

func (pythonAlone) Check(name string) error {
	if name == "python3" {
		return nil
	}
	return quire.Invalid("kernel", "there is no kernel %q; there is python3", name)
}

// noonAlice is an Exchanger for the token of onlyAlice.
type noonAlice struct{}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (noonAlice) Exchange(ctx context.Context, given string) (string, time.Time, error) {
	_, err := onlyAlice{}.Authenticate(ctx, given)
	return given, noon, err
}

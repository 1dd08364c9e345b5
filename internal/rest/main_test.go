package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	datasphere "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/grpcapi"
	"quire/internal/rest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake stands behind the real gRPC server and notes what reaches it. What a
// test does not set answers with something fixed.
type fake struct {
	mu       sync.Mutex
	requests []string // method and request as JSON
	metadata metadata.MD

	watch func(*quirev1.WatchRequest, grpc.ServerStreamingServer[quirev1.Event]) error
	put   func(stream grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error
	get   func(*quirev1.GetFileRequest, grpc.ServerStreamingServer[httpbody.HttpBody]) error
}

// One type a service, for each has a Get.
type (
	fakeProjects struct {
		datasphere.UnimplementedProjectServiceServer
		*fake
	}
	fakeFiles struct {
		quirev1.UnimplementedFileServiceServer
		*fake
	}
	fakeOperations struct {
		operation.UnimplementedOperationServiceServer
		*fake
	}
	fakeExecutions struct {
		quirev1.UnimplementedExecutionServiceServer
		*fake
	}
	fakeSettings struct {
		quirev1.UnimplementedRunSettingsServiceServer
		*fake
	}
)

func (f *fake) saw(ctx context.Context, method string, m proto.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, err := protojson.Marshal(m)
	if err != nil {
		body = []byte(err.Error())
	}
	// protojson puts in white space at random.
	f.requests = append(f.requests, method+" "+strings.ReplaceAll(string(body), " ", ""))
	f.metadata, _ = metadata.FromIncomingContext(ctx)
}

// last returns what reached the fake last.
func (f *fake) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.requests) == 0 {
		return ""
	}
	return f.requests[len(f.requests)-1]
}

func (f fakeProjects) Get(ctx context.Context, r *datasphere.GetProjectRequest) (*datasphere.Project, error) {
	f.saw(ctx, "Project.Get", r)
	switch r.GetProjectId() {
	case "none":
		return nil, quire.Errorf(quire.NotFound, "project none does not exist")
	case "broken":
		return nil, errors.New("disk on fire")
	}
	return &datasphere.Project{
		Id:        r.GetProjectId(),
		CreatedAt: timestamppb.New(created),
		Name:      "a project",
		Labels:    map[string]string{"team": "x"},
		Limits:    &datasphere.Project_Limits{},
	}, nil
}

func (f fakeProjects) List(ctx context.Context, r *datasphere.ListProjectsRequest) (*datasphere.ListProjectsResponse, error) {
	f.saw(ctx, "Project.List", r)
	return &datasphere.ListProjectsResponse{NextPageToken: "more"}, nil
}

func (f fakeProjects) Update(ctx context.Context, r *datasphere.UpdateProjectRequest) (*operation.Operation, error) {
	f.saw(ctx, "Project.Update", r)
	return &operation.Operation{Id: "op"}, nil
}

func (f fakeProjects) Open(ctx context.Context, r *datasphere.OpenProjectRequest) (*operation.Operation, error) {
	f.saw(ctx, "Project.Open", r)
	return &operation.Operation{Id: "op"}, nil
}

func (f fakeProjects) GetRestrictionsMeta(ctx context.Context, r *emptypb.Empty) (*datasphere.GetRestrictionsMetaResponse, error) {
	f.saw(ctx, "Project.GetRestrictionsMeta", r)
	return &datasphere.GetRestrictionsMetaResponse{}, nil
}

func (f fakeProjects) Execute(ctx context.Context, r *datasphere.ProjectExecutionRequest) (*operation.Operation, error) {
	f.saw(ctx, "Project.Execute", r)
	meta, err := anypb.New(&datasphere.ProjectExecutionMetadata{
		ProjectId: r.GetProjectId(), Target: &datasphere.ProjectExecutionMetadata_NotebookId{NotebookId: r.GetNotebookId()},
	})
	return &operation.Operation{Id: "op", Metadata: meta}, err
}

func (f fakeOperations) Get(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
	f.saw(ctx, "Operation.Get", r)
	if err := grpc.SetHeader(ctx, metadata.Pairs("x-operation-poll-interval", "3", "x-private", "no")); err != nil {
		return nil, err
	}
	return &operation.Operation{Id: r.GetOperationId()}, nil
}

func (f fakeOperations) Cancel(ctx context.Context, r *operation.CancelOperationRequest) (*operation.Operation, error) {
	f.saw(ctx, "Operation.Cancel", r)
	return &operation.Operation{Id: r.GetOperationId()}, nil
}

func (f fakeSettings) Update(ctx context.Context, r *quirev1.UpdateRunSettingsRequest) (*quirev1.RunSettings, error) {
	f.saw(ctx, "RunSettings.Update", r)
	return r.GetRunSettings(), nil
}

func (f fakeExecutions) List(ctx context.Context, r *quirev1.ListExecutionsRequest) (*quirev1.ListExecutionsResponse, error) {
	f.saw(ctx, "Execution.List", r)
	return &quirev1.ListExecutionsResponse{}, nil
}

func (f fakeExecutions) Get(_ context.Context, r *quirev1.GetExecutionRequest) (*quirev1.Execution, error) {
	return &quirev1.Execution{Id: r.GetExecutionId(), Notebook: "n.ipynb"}, nil
}

func (f fakeExecutions) Watch(r *quirev1.WatchRequest, stream grpc.ServerStreamingServer[quirev1.Event]) error {
	f.saw(stream.Context(), "Execution.Watch", r)
	return f.watch(r, stream)
}

func (f fakeExecutions) GetNotebook(r *quirev1.GetNotebookRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	f.saw(stream.Context(), "Execution.GetNotebook", r)
	if r.GetExecutionId() == "broken" {
		return stream.Send(&httpbody.HttpBody{Data: []byte(`{"cells":`)})
	}
	return stream.Send(&httpbody.HttpBody{Data: []byte(`{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}`)})
}

func (f fakeFiles) List(ctx context.Context, r *quirev1.ListFilesRequest) (*quirev1.ListFilesResponse, error) {
	f.saw(ctx, "File.List", r)
	return &quirev1.ListFilesResponse{Files: []*quirev1.File{{Path: "a", Size: 1 << 40}}}, nil
}

func (f fakeFiles) Delete(ctx context.Context, r *quirev1.DeleteFileRequest) (*emptypb.Empty, error) {
	f.saw(ctx, "File.Delete", r)
	return &emptypb.Empty{}, nil
}

func (f fakeFiles) Put(stream grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error {
	return f.put(stream)
}

func (f fakeFiles) Get(r *quirev1.GetFileRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	f.saw(stream.Context(), "File.Get", r)
	return f.get(r, stream)
}

type anyToken struct{}

func (anyToken) Authenticate(_ context.Context, token string) (string, error) {
	if token != "t" {
		return "", quire.Errorf(quire.Unauthenticated, "the token is unknown")
	}
	return "alice", nil
}

// newAPI returns the gRPC server with f behind it, and REST before it.
func newAPI(tb testing.TB, f *fake, o *rest.Options) (*grpcapi.Server, *rest.Handler) {
	tb.Helper()
	server, err := grpcapi.NewServer(anyToken{}, func(r grpc.ServiceRegistrar) {
		datasphere.RegisterProjectServiceServer(r, fakeProjects{fake: f})
		operation.RegisterOperationServiceServer(r, fakeOperations{fake: f})
		quirev1.RegisterExecutionServiceServer(r, fakeExecutions{fake: f})
		quirev1.RegisterRunSettingsServiceServer(r, fakeSettings{fake: f})
		quirev1.RegisterFileServiceServer(r, fakeFiles{fake: f})
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	handler, err := rest.New(server.Conn(), server.Services(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return server, handler
}

// newServer serves the REST of f over HTTP/1.1.
func newServer(tb testing.TB, f *fake, o *rest.Options) *httptest.Server {
	tb.Helper()
	_, handler := newAPI(tb, f, o)
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server
}

// newRequest returns a request with the token; headers are names and values.
func newRequest(tb testing.TB, verb, url string, body io.Reader, headers ...string) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), verb, url, body)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// answer is what a request came back with, read to its end.
type answer struct {
	status int
	header http.Header
	body   string // without the newline at its end
}

func do(tb testing.TB, server *httptest.Server, r *http.Request) answer {
	tb.Helper()
	response, err := server.Client().Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, strings.TrimSuffix(string(body), "\n")}
}

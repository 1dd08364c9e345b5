package grpcapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	datasphere1 "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	datasphere "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionalphapb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	"quire"
	"quire/internal/grpcapi"
)

const token = "a-token"

type onlyAlice struct{}

func (onlyAlice) Authenticate(_ context.Context, bearer string) (string, error) {
	switch bearer {
	case token:
		return "alice", nil
	case "broken":
		return "", errors.New("open /var/lib/tokens: no such file")
	default:
		return "", quire.Errorf(quire.Unauthenticated, "the token is unknown")
	}
}

// projects answers Get with what get does.
type projects struct {
	datasphere.UnimplementedProjectServiceServer
	get func(ctx context.Context) (*datasphere.Project, error)
}

func (p projects) Get(ctx context.Context, _ *datasphere.GetProjectRequest) (*datasphere.Project, error) {
	return p.get(ctx)
}

// newServer returns a server whose ProjectService.Get does what get does.
func newServer(t *testing.T, o *grpcapi.Options, get func(context.Context) (*datasphere.Project, error)) *grpcapi.Server {
	t.Helper()
	s, err := grpcapi.NewServer(onlyAlice{}, func(r grpc.ServiceRegistrar) {
		datasphere.RegisterProjectServiceServer(r, projects{get: get})
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
	return s
}

func known(t *testing.T, more ...string) context.Context {
	t.Helper()
	return metadata.AppendToOutgoingContext(t.Context(), append([]string{"authorization", "Bearer " + token}, more...)...)
}

func getProject(ctx context.Context, s *grpcapi.Server, o ...grpc.CallOption) (*datasphere.Project, error) {
	return datasphere.NewProjectServiceClient(s.Conn()).Get(ctx, &datasphere.GetProjectRequest{ProjectId: "p"}, o...)
}

// requestID returns the id that an error tells the client.
func requestID(t *testing.T, err error) string {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RequestInfo); ok {
			return info.GetRequestId()
		}
	}
	t.Errorf("no RequestInfo in %v", err)
	return ""
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		code    codes.Code
		message string
		field   string
	}{
		"domain":       {quire.Errorf(quire.NotFound, "project p does not exist"), codes.NotFound, "project p does not exist", ""},
		"wrapped":      {fmt.Errorf("get: %w", quire.Errorf(quire.AlreadyExists, "taken")), codes.AlreadyExists, "taken", ""},
		"field":        {quire.Invalid("spec", "unknown"), codes.InvalidArgument, "spec: unknown", "spec"},
		"precondition": {quire.Errorf(quire.FailedPrecondition, "not empty"), codes.FailedPrecondition, "not empty", ""},
		"denied":       {quire.Errorf(quire.PermissionDenied, "no"), codes.PermissionDenied, "no", ""},
		"exhausted":    {quire.Errorf(quire.ResourceExhausted, "too much"), codes.ResourceExhausted, "too much", ""},
		"unavailable":  {quire.Errorf(quire.Unavailable, "later"), codes.Unavailable, "later", ""},
		"unbuilt":      {quire.Errorf(quire.Unimplemented, "not this one"), codes.Unimplemented, "not this one", ""},
		"unknown":      {errors.New("open /srv/secret: no such file"), codes.Internal, "internal error", ""},
		"cancelled":    {fmt.Errorf("wait: %w", context.Canceled), codes.Canceled, "the call was cancelled", ""},
		"late":         {context.DeadlineExceeded, codes.DeadlineExceeded, "the call's deadline has passed", ""},
		"foreign":      {fmt.Errorf("ask: %w", status.Error(codes.NotFound, "theirs")), codes.Internal, "internal error", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, nil, func(context.Context) (*datasphere.Project, error) { return nil, test.err })
			_, err := getProject(known(t, "x-request-id", "req-1"), s)
			st := status.Convert(err)
			if st.Code() != test.code || st.Message() != test.message {
				t.Errorf("got %v %q, want %v %q", st.Code(), st.Message(), test.code, test.message)
			}
			if got := requestID(t, err); got != "req-1" {
				t.Errorf("request id: got %q", got)
			}
			field := ""
			for _, d := range st.Details() {
				if bad, ok := d.(*errdetails.BadRequest); ok {
					field = bad.GetFieldViolations()[0].GetField()
				}
			}
			if field != test.field {
				t.Errorf("field: got %q, want %q", field, test.field)
			}
		})
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newServer(t, &grpcapi.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))},
		func(context.Context) (*datasphere.Project, error) { panic("at the disco") })
	_, err := getProject(known(t), s)
	if st := status.Convert(err); st.Code() != codes.Internal || st.Message() != "internal error" {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"at the disco", "server_test.go", requestID(t, err)} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), token) {
		t.Error("the log holds the token")
	}
}

// TestCause: what went wrong is for the log alone.
func TestCause(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newServer(t, &grpcapi.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))},
		func(context.Context) (*datasphere.Project, error) {
			return nil, &quire.Error{Code: quire.Unavailable, Message: "try again later", Err: errors.New("disk full")}
		})
	_, err := getProject(known(t), s)
	if st := status.Convert(err); st.Code() != codes.Unavailable || st.Message() != "try again later" {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "disk full") {
		t.Errorf("the log lacks the cause: %s", log.String())
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	const key = "0f0e6f42-8f4e-4f0c-9f8e-5d1f2f3a4b5c"
	type seen struct{ Subject, Key string }
	for name, test := range map[string]struct {
		metadata []string
		want     seen
		keepsID  string // the request id that must come back; empty: another
		code     codes.Code
	}{
		"nothing":      {want: seen{Subject: "alice"}},
		"both":         {metadata: []string{"x-request-id", "my-id", "idempotency-key", strings.ToUpper(key)}, want: seen{"alice", key}, keepsID: "my-id"},
		"insane id":    {metadata: []string{"x-request-id", "a b"}, want: seen{Subject: "alice"}},
		"long id":      {metadata: []string{"x-request-id", strings.Repeat("x", 129)}, want: seen{Subject: "alice"}},
		"not a key":    {metadata: []string{"idempotency-key", "again"}, code: codes.InvalidArgument},
		"other's key":  {metadata: []string{"idempotency-key", "urn:uuid:" + key}, code: codes.InvalidArgument},
		"several keys": {metadata: []string{"idempotency-key", key, "idempotency-key", key}, code: codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got seen
			s := newServer(t, nil, func(ctx context.Context) (_ *datasphere.Project, err error) {
				got.Subject = grpcapi.Subject(ctx)
				got.Key, err = grpcapi.IdempotencyKey(ctx)
				return &datasphere.Project{}, err
			})
			var header metadata.MD
			_, err := getProject(known(t, test.metadata...), s, grpc.Header(&header))
			if status.Code(err) != test.code {
				t.Fatalf("got %v, want %v", err, test.code)
			}
			if diff := cmp.Diff(test.want, got); diff != "" && err == nil {
				t.Error(diff)
			}
			ids, traces := header.Get("x-request-id"), header.Get("x-server-trace-id")
			if len(ids) != 1 || len(traces) != 1 || len(traces[0]) != 32 {
				t.Fatalf("ids: got %v and %v", ids, traces)
			}
			if test.keepsID != "" && ids[0] != test.keepsID {
				t.Errorf("request id: got %q, want %q", ids[0], test.keepsID)
			}
			if test.keepsID == "" && len(ids[0]) != 36 {
				t.Errorf("request id: got %q, want one of ours", ids[0])
			}
		})
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, func(context.Context) (*datasphere.Project, error) { return &datasphere.Project{}, nil })
	for name, test := range map[string]struct {
		headers []string
		code    codes.Code
	}{
		"none":        {nil, codes.Unauthenticated},
		"good":        {[]string{"Bearer " + token}, codes.OK},
		"lower case":  {[]string{"bearer " + token}, codes.OK},
		"basic":       {[]string{"Basic " + token}, codes.Unauthenticated},
		"empty":       {[]string{"Bearer "}, codes.Unauthenticated},
		"unknown":     {[]string{"Bearer other"}, codes.Unauthenticated},
		"two of them": {[]string{"Bearer " + token, "Bearer " + token}, codes.Unauthenticated},
		"our fault":   {[]string{"Bearer broken"}, codes.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"authorization": test.headers})
			_, err := getProject(ctx, s)
			if status.Code(err) != test.code {
				t.Errorf("Get: got %v, want %v", err, test.code)
			}
			stream, err := datasphere1.NewProjectDataServiceClient(s.Conn()).DownloadFile(ctx, &datasphere1.DownloadFileRequest{})
			if err != nil {
				t.Fatal(err)
			}
			want := test.code
			if want == codes.OK {
				want = codes.Unimplemented
			}
			if _, err := stream.Recv(); status.Code(err) != want {
				t.Errorf("DownloadFile: got %v, want %v", err, want)
			}
		})
	}
}

// TestUnbuilt calls what is not registered at all, what the registered service
// lacks, and a method that needs no token.
func TestUnbuilt(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, nil)
	_, resize := datasphere.NewProjectServiceClient(s.Conn()).ResizeDisk(known(t), &datasphere.ResizeProjectDiskRequest{ProjectId: "p"})
	_, job := jobs.NewProjectJobServiceClient(s.Conn()).Get(known(t), &jobs.GetProjectJobRequest{})
	_, op := operation.NewOperationServiceClient(s.Conn()).Get(known(t), &operation.GetOperationRequest{OperationId: "o"})
	_, list := endpoint.NewApiEndpointServiceClient(s.Conn()).List(t.Context(), &endpoint.ListApiEndpointsRequest{})
	for want, err := range map[string]error{
		"yandex.cloud.datasphere.v2.ProjectService/ResizeDisk is not built yet":  resize,
		"yandex.cloud.datasphere.v2.jobs.ProjectJobService/Get is not built yet": job,
		"yandex.cloud.operation.OperationService/Get is not built yet":           op,
		"yandex.cloud.endpoint.ApiEndpointService/List is not built yet":         list,
	} {
		if st := status.Convert(err); st.Code() != codes.Unimplemented || st.Message() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, func(context.Context) (*datasphere.Project, error) {
		t.Error("the request reached the method")
		return &datasphere.Project{}, nil
	})
	_, err := datasphere.NewProjectServiceClient(s.Conn()).Get(known(t), &datasphere.GetProjectRequest{})
	if st := status.Convert(err); st.Code() != codes.InvalidArgument || st.Message() != "project_id: is required" {
		t.Errorf("got %v", err)
	}
}

func TestHealthAndReflection(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, nil)
	for _, serving := range []bool{true, false} {
		s.SetServing(serving)
		answer, err := healthpb.NewHealthClient(s.Conn()).Check(t.Context(), &healthpb.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.GetStatus() == healthpb.HealthCheckResponse_SERVING; got != serving {
			t.Errorf("health: got %v, want %v", answer.GetStatus(), serving)
		}
	}
	want := []string{"yandex.cloud.datasphere.v2.ProjectService", "yandex.cloud.operation.OperationService", "grpc.health.v1.Health"}
	v1, err := reflectionpb.NewServerReflectionClient(s.Conn()).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v1.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := v1.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("reflection lists %v, not %s", names, name)
		}
	}
	alpha, err := reflectionalphapb.NewServerReflectionClient(s.Conn()).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := &reflectionalphapb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: want[0]} //nolint:staticcheck // deprecated, and what grpcurl falls back to
	if err := alpha.Send(&reflectionalphapb.ServerReflectionRequest{MessageRequest: file}); err != nil {   //nolint:staticcheck // deprecated, and what grpcurl falls back to
		t.Fatal(err)
	}
	described, err := alpha.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if len(described.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 { //nolint:staticcheck // deprecated, and what grpcurl falls back to
		t.Errorf("reflection v1alpha: got %v", described)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	s := newServer(t, &grpcapi.Options{Metrics: registry}, func(context.Context) (*datasphere.Project, error) { return &datasphere.Project{}, nil })
	if _, err := getProject(known(t), s); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				got[family.GetName()+" "+label.GetName()+"="+label.GetValue()]++
			}
		}
	}
	want := map[string]int{
		"quire_api_calls_total method=/yandex.cloud.datasphere.v2.ProjectService/Get":  1,
		"quire_api_calls_total code=OK":                                                1,
		"quire_api_call_seconds method=/yandex.cloud.datasphere.v2.ProjectService/Get": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Package sdkv2_test holds Quire to DataSphere's Go SDK v2, unmodified, against
// a real server: its endpoints, credentials, connections and operations, with
// the clients of go-genproto on them. The SDK's own DataSphere module is not
// published where Go modules come from.
package sdkv2_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	ycoperation "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	ycsdk "github.com/yandex-cloud/go-sdk/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/endpoints"
	"github.com/yandex-cloud/go-sdk/v2/pkg/operation"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"quire/test/quiretest"
)

// patience is how long a test waits for anything.
const patience = 3 * time.Minute

// client is an SDK on a server.
type client struct{ *ycsdk.SDK }

func build(t *testing.T, opts ...options.Option) client {
	t.Helper()
	sdk, err := ycsdk.Build(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sdk.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client{sdk}
}

// plaintext returns the options for a server without TLS.
func plaintext(server *quiretest.Server, c credentials.Credentials) []options.Option {
	resolver := endpoints.NewSingleEndpointResolver(server.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	return []options.Option{
		options.WithPlaintext(), options.WithCredentials(c), options.WithEndpointsResolver(resolver),
	}
}

// connection returns the SDK's connection to the service of a method.
func (c client) connection(t *testing.T, method protoreflect.FullName) grpc.ClientConnInterface {
	t.Helper()
	conn, err := c.GetConnection(t.Context(), method)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (c client) projects(t *testing.T) datasphere.ProjectServiceClient {
	return datasphere.NewProjectServiceClient(c.connection(t, "yandex.cloud.datasphere.v2.ProjectService.Execute"))
}

func (c client) operations(t *testing.T) ycoperation.OperationServiceClient {
	return ycoperation.NewOperationServiceClient(c.connection(t, "yandex.cloud.operation.OperationService.Get"))
}

// follow makes an answer the SDK's operation, which demands these types.
func (c client) follow(t *testing.T, metadata, response proto.Message) func(*ycoperation.Operation, error) *operation.Operation {
	return func(answer *ycoperation.Operation, err error) *operation.Operation {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		operations := c.operations(t)
		op, err := operation.NewOperation(answer, &operation.Concretization{
			MetadataType: metadata,
			ResponseType: response,
			Poll: func(ctx context.Context, id string, opts ...grpc.CallOption) (operation.YCOperation, error) {
				return operations.Get(ctx, &ycoperation.GetOperationRequest{OperationId: id}, opts...)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
}

// createProject returns the id of a new project.
func (c client) createProject(t *testing.T) string {
	t.Helper()
	op := c.follow(t, &datasphere.CreateProjectMetadata{}, &datasphere.Project{})(
		c.projects(t).Create(t.Context(), &datasphere.CreateProjectRequest{CommunityId: "default", Name: "sdk-v2"}))
	project, ok := wait(t, op).(*datasphere.Project)
	if !ok || project.GetName() != "sdk-v2" {
		t.Fatalf("the new project is %v", project)
	}
	return project.GetId()
}

// execute starts a notebook of the project.
func (c client) execute(t *testing.T, req *datasphere.ProjectExecutionRequest) *operation.Operation {
	t.Helper()
	op := c.follow(t, &datasphere.ProjectExecutionMetadata{}, &datasphere.ProjectExecutionResponse{})(
		c.projects(t).Execute(t.Context(), req))
	want := &datasphere.ProjectExecutionMetadata{
		ProjectId: req.GetProjectId(),
		Target:    &datasphere.ProjectExecutionMetadata_NotebookId{NotebookId: req.GetNotebookId()},
	}
	if diff := cmp.Diff(op.Metadata(), proto.Message(want), protocmp.Transform()); diff != "" {
		t.Fatalf("metadata of the first answer (-got +want):\n%s", diff)
	}
	return op
}

func TestRun(t *testing.T) {
	t.Parallel()
	server := quiretest.Start(t, nil)
	for name, creds := range map[string]credentials.Credentials{
		"IAM token":   credentials.IAMToken(server.Token),
		"OAuth token": credentials.OAuthToken(server.Token),
	} {
		t.Run(name, func(t *testing.T) {
			c := build(t, plaintext(server, creds)...)
			project := c.createProject(t)
			upload(t, c, project, "run.ipynb", quiretest.Notebook(t, "import os", `answer = int(os.environ["n"]) * 2`, "assert answer == 42"))
			inputs, err := structpb.NewStruct(map[string]any{"n": 21})
			if err != nil {
				t.Fatal(err)
			}
			op := c.execute(t, &datasphere.ProjectExecutionRequest{
				ProjectId: project, Target: notebook("run.ipynb"),
				InputVariables: inputs, OutputVariableNames: []string{"answer"},
			})
			wantStatus(t, op, datasphere.ExecutionStatus_OK)
		})
	}
}

func TestFailingNotebook(t *testing.T) {
	t.Parallel()
	server := quiretest.Start(t, nil)
	c := build(t, plaintext(server, credentials.IAMToken(server.Token))...)
	project := c.createProject(t)
	upload(t, c, project, "fails.ipynb", quiretest.Notebook(t, "1 / 0"))
	op := c.execute(t, &datasphere.ProjectExecutionRequest{ProjectId: project, Target: notebook("fails.ipynb")})
	wantStatus(t, op, datasphere.ExecutionStatus_ERROR)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	server := quiretest.Start(t, nil)
	c := build(t, plaintext(server, credentials.IAMToken(server.Token))...)
	project := c.createProject(t)
	upload(t, c, project, "sleeps.ipynb", quiretest.Notebook(t, "import time\ntime.sleep(300)"))
	op := c.execute(t, &datasphere.ProjectExecutionRequest{ProjectId: project, Target: notebook("sleeps.ipynb")})
	if _, err := c.operations(t).Cancel(t.Context(), &ycoperation.CancelOperationRequest{OperationId: op.ID()}); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, op, datasphere.ExecutionStatus_ABORTED)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	server := quiretest.Start(t, nil)
	c := build(t, plaintext(server, credentials.IAMToken(server.Token))...)
	project := c.createProject(t)
	for name, req := range map[string]*datasphere.ProjectExecutionRequest{
		"no such project":  {ProjectId: "none", Target: notebook("none.ipynb")},
		"no such notebook": {ProjectId: project, Target: notebook("none.ipynb")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.projects(t).Execute(t.Context(), req); status.Code(err) != codes.NotFound {
				t.Errorf("got %v, want NotFound", err)
			}
		})
	}
	t.Run("an unknown token", func(t *testing.T) {
		c := build(t, plaintext(server, credentials.IAMToken("unknown"))...)
		_, err := c.projects(t).Get(t.Context(), &datasphere.GetProjectRequest{ProjectId: project})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("got %v, want Unauthenticated", err)
		}
	})
}

func notebook(path string) *datasphere.ProjectExecutionRequest_NotebookId {
	return &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: path}
}

// wantStatus waits for the end of an execution as the SDK does, and fails if
// it ended in another way.
func wantStatus(t *testing.T, op *operation.Operation, want datasphere.ExecutionStatus) {
	t.Helper()
	response, ok := wait(t, op).(*datasphere.ProjectExecutionResponse)
	if !ok || response.GetExecutionStatus() != want {
		t.Errorf("the response is %v, want the status %v", response, want)
	}
}

func wait(t *testing.T, op *operation.Operation) proto.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	response, err := op.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// Package sdkv1_test holds Quire to DataSphere's Go SDK v1, unmodified, against
// a real server. The module is its own, for the SDK does not compile with the
// go-genproto that Quire uses.
package sdkv1_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	ycsdk "github.com/yandex-cloud/go-sdk"
	sdkoperation "github.com/yandex-cloud/go-sdk/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"quire/test/quiretest"
)

// patience is how long a test waits for anything.
const patience = 3 * time.Minute

// client is one SDK and a project that it has made.
type client struct {
	*ycsdk.SDK
	server  *quiretest.Server
	project string
}

// connect returns an SDK with these credentials and a project of its own.
func connect(t *testing.T, server *quiretest.Server, credentials ycsdk.Credentials) *client {
	t.Helper()
	sdk, err := ycsdk.Build(t.Context(), ycsdk.Config{
		Credentials: credentials, Endpoint: server.Address, Plaintext: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sdk.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c := &client{SDK: sdk, server: server}
	op := c.begin(t)(sdk.Datasphere().Project().Create(t.Context(), &datasphere.CreateProjectRequest{
		CommunityId: "default", Name: "sdk-v1",
	}))
	metadata := metadataOf[*datasphere.CreateProjectMetadata](t, op)
	wait(t, op)
	project := responseOf[*datasphere.Project](t, op)
	if metadata.GetProjectId() != project.GetId() || project.GetName() != "sdk-v1" {
		t.Fatalf("the project is %v, its metadata %v", project, metadata)
	}
	c.project = project.GetId()
	return c
}

// begin takes the answer of a call and returns the operation as the SDK's own.
func (c *client) begin(t *testing.T) func(*operation.Operation, error) *sdkoperation.Operation {
	return func(answer *operation.Operation, err error) *sdkoperation.Operation {
		t.Helper()
		op, err := c.WrapOperation(answer, err)
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
}

// execute starts a notebook of these cells.
func (c *client) execute(t *testing.T, req *datasphere.ProjectExecutionRequest, cells ...string) *sdkoperation.Operation {
	t.Helper()
	const path = "folder/notebook.ipynb"
	c.server.PutFile(t, nil, c.project, path, quiretest.Notebook(t, cells...))
	req.ProjectId = c.project
	req.Target = &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: path}
	op := c.begin(t)(c.Datasphere().Project().Execute(t.Context(), req))
	want := &datasphere.ProjectExecutionMetadata{
		ProjectId: c.project,
		Target:    &datasphere.ProjectExecutionMetadata_NotebookId{NotebookId: path},
	}
	if diff := cmp.Diff(metadataOf[*datasphere.ProjectExecutionMetadata](t, op), want, protocmp.Transform()); diff != "" {
		t.Fatalf("metadata of the first answer (-got +want):\n%s", diff)
	}
	return op
}

func TestRun(t *testing.T) {
	server := quiretest.Start(t, nil)
	for name, credentials := range map[string]ycsdk.Credentials{
		"IAM token":   ycsdk.NewIAMTokenCredentials(server.Token),
		"OAuth token": ycsdk.OAuthToken(server.Token),
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, server, credentials)
			inputs, err := structpb.NewStruct(map[string]any{"region": "north", "top": 3})
			if err != nil {
				t.Fatal(err)
			}
			op := c.execute(t, &datasphere.ProjectExecutionRequest{
				InputVariables: inputs, OutputVariableNames: []string{"answer"}, Spec: "c1.4",
			}, "import os", `answer = os.environ["region"] * int(os.environ["top"])`, `assert answer == "north" * 3, answer`)
			wantStatus(t, op, datasphere.ExecutionStatus_OK)
		})
	}
}

func TestFailingNotebook(t *testing.T) {
	server := quiretest.Start(t, nil)
	c := connect(t, server, ycsdk.NewIAMTokenCredentials(server.Token))
	wantStatus(t, c.execute(t, &datasphere.ProjectExecutionRequest{}, "1 / 0"), datasphere.ExecutionStatus_ERROR)
}

func TestCancel(t *testing.T) {
	server := quiretest.Start(t, nil)
	c := connect(t, server, ycsdk.NewIAMTokenCredentials(server.Token))
	op := c.execute(t, &datasphere.ProjectExecutionRequest{}, "import time\ntime.sleep(300)")
	if err := op.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, op, datasphere.ExecutionStatus_ABORTED)
}

func TestErrors(t *testing.T) {
	server := quiretest.Start(t, nil)
	c := connect(t, server, ycsdk.NewIAMTokenCredentials(server.Token))
	notebook := &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: "none.ipynb"}
	for name, test := range map[string]struct {
		call func(context.Context) error
		want codes.Code
	}{
		"no such project": {func(ctx context.Context) error {
			_, err := c.Datasphere().Project().Get(ctx, &datasphere.GetProjectRequest{ProjectId: "none"})
			return err
		}, codes.NotFound},
		"no such notebook": {func(ctx context.Context) error {
			_, err := c.WrapOperation(c.Datasphere().Project().Execute(ctx, &datasphere.ProjectExecutionRequest{
				ProjectId: c.project, Target: notebook,
			}))
			return err
		}, codes.NotFound},
		"no such spec": {func(ctx context.Context) error {
			c.server.PutFile(t, nil, c.project, "there.ipynb", quiretest.Notebook(t, "1"))
			_, err := c.WrapOperation(c.Datasphere().Project().Execute(ctx, &datasphere.ProjectExecutionRequest{
				ProjectId: c.project, Target: &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: "there.ipynb"}, Spec: "c9.9",
			}))
			return err
		}, codes.InvalidArgument},
		"no such operation": {func(ctx context.Context) error {
			_, err := c.Operation().Get(ctx, &operation.GetOperationRequest{OperationId: "none"})
			return err
		}, codes.NotFound},
		"an unknown token": {func(ctx context.Context) error {
			sdk, err := ycsdk.Build(ctx, ycsdk.Config{
				Credentials: ycsdk.OAuthToken("unknown"), Endpoint: server.Address, Plaintext: true,
			})
			if err != nil {
				return err
			}
			defer sdk.Shutdown(ctx)
			_, err = sdk.Datasphere().Project().Get(ctx, &datasphere.GetProjectRequest{ProjectId: c.project})
			return err
		}, codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := test.call(ctx); status.Code(err) != test.want {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// wantStatus waits for the end of an execution as the SDK does, and fails if
// it ended in another way.
func wantStatus(t *testing.T, op *sdkoperation.Operation, want datasphere.ExecutionStatus) {
	t.Helper()
	wait(t, op)
	if got := responseOf[*datasphere.ProjectExecutionResponse](t, op).GetExecutionStatus(); got != want {
		t.Errorf("execution status %v, want %v", got, want)
	}
}

func wait(t *testing.T, op *sdkoperation.Operation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := op.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

func metadataOf[M proto.Message](t *testing.T, op *sdkoperation.Operation) M {
	t.Helper()
	message, err := op.Metadata()
	return as[M](t, message, err)
}

func responseOf[M proto.Message](t *testing.T, op *sdkoperation.Operation) M {
	t.Helper()
	message, err := op.Response()
	return as[M](t, message, err)
}

func as[M proto.Message](t *testing.T, message proto.Message, err error) M {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := message.(M)
	if !ok {
		t.Fatalf("the message is a %T", message)
	}
	return m
}

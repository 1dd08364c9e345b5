package grpcapi_test

import (
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"quire"
	"quire/internal/grpcapi"
)

func TestExecutionStatus(t *testing.T) {
	a := newAPI(t)
	for state, want := range map[quire.State]datasphere.ExecutionStatus{
		quire.Succeeded: datasphere.ExecutionStatus_OK,
		quire.Failed:    datasphere.ExecutionStatus_ERROR,
		quire.Aborted:   datasphere.ExecutionStatus_ABORTED,
	} {
		t.Run(string(state), func(t *testing.T) {
			op := a.execute(t)
			a.end(t, quire.Progress{State: state}, nil)
			got := responseOf[*datasphere.ProjectExecutionResponse](t, a.operation(t, op.GetId()))
			if got.GetExecutionStatus() != want {
				t.Errorf("got %v, want %v", got.GetExecutionStatus(), want)
			}
		})
	}
}

func TestFailedOperation(t *testing.T) {
	a := newAPI(t)
	ctx := known(t, "idempotency-key", "0c0fdd58-9a24-4b35-b0cb-6d0a2e9d2f46")
	op, err := a.projects.Execute(ctx, a.run())
	if err != nil {
		t.Fatal(err)
	}
	a.end(t, quire.Progress{State: quire.Failed}, quire.Errorf(quire.Unavailable, "the node is lost"))

	got := a.operation(t, op.GetId())
	if !got.GetDone() || got.GetResponse() != nil ||
		codes.Code(got.GetError().GetCode()) != codes.Unavailable || got.GetError().GetMessage() != "the node is lost" {
		t.Errorf("got %v, want a failure", got)
	}
	again, err := a.projects.Execute(ctx, a.run())
	if err != nil || again.GetId() != op.GetId() || again.GetDone() || again.GetResult() != nil {
		t.Errorf("repeated: got %v, %v, want it not to be done yet", again, err)
	}
}

func TestPollInterval(t *testing.T) {
	a := newAPI(t)
	op := a.execute(t)
	interval := func(t *testing.T) []string {
		t.Helper()
		var header metadata.MD
		if _, err := a.operations.Get(known(t), &operation.GetOperationRequest{OperationId: op.GetId()}, grpc.Header(&header)); err != nil {
			t.Fatal(err)
		}
		return header.Get("x-operation-poll-interval")
	}
	if got := interval(t); !slices.Equal(got, []string{"1"}) {
		t.Errorf("got %q for a young operation, want 1 second", got)
	}
	a.end(t, quire.Progress{State: quire.Succeeded}, nil)
	if got := interval(t); got != nil {
		t.Errorf("got %q for one that is done, want nothing", got)
	}
}

func TestPollAfter(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		-time.Hour: time.Second, 0: time.Second, 10 * time.Second: time.Second,
		55 * time.Second: 5500 * time.Millisecond, 100 * time.Second: 10 * time.Second, 48 * time.Hour: 10 * time.Second,
	} {
		if got := grpcapi.PollAfter(age); got != want {
			t.Errorf("after %v: got %v, want %v", age, got, want)
		}
	}
}

func TestCancel(t *testing.T) {
	a := newAPI(t)
	op := a.execute(t)
	got, err := a.operations.Cancel(known(t), &operation.CancelOperationRequest{OperationId: op.GetId()})
	if err != nil || got.GetId() != op.GetId() || got.GetDone() {
		t.Errorf("got %v, %v, want the operation", got, err)
	}
	if e, err := a.store.Execution(t.Context(), quire.ExecutionID(op.GetId())); err != nil || e.CancelRequestedAt.IsZero() {
		t.Errorf("got %+v, %v, want it to be asked to stop", e, err)
	}
	for _, id := range []string{"", "nope"} {
		_, err := a.operations.Cancel(known(t), &operation.CancelOperationRequest{OperationId: id})
		if err == nil {
			t.Errorf("%q: got no error", id)
		}
	}
	_, err = a.operations.Get(known(t), &operation.GetOperationRequest{OperationId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
}

func TestCommunityLife(t *testing.T) {
	a := newAPI(t)
	op, err := a.communities.Create(known(t), &datasphere.CreateCommunityRequest{
		Name: "Команда", Description: "d", Labels: map[string]string{"a": "b"}, OrganizationId: "org", ZoneId: "zone",
	})
	if err != nil {
		t.Fatal(err)
	}
	id := metadataOf[*datasphere.CreateCommunityMetadata](t, op).GetCommunityId()
	made := responseOf[*datasphere.Community](t, op)
	if made.GetId() != id || made.GetName() != "Команда" || made.GetDescription() != "d" || made.GetLabels()["a"] != "b" ||
		made.GetOrganizationId() != "org" || made.GetZoneId() != "zone" || made.GetCreatedById() != "alice" || !made.GetCreatedAt().IsValid() {
		t.Errorf("got %v, want what was sent", made)
	}
	op, err = a.communities.Update(known(t), &datasphere.UpdateCommunityRequest{
		CommunityId: id, Name: "x", Description: "new", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	metadataOf[*datasphere.UpdateCommunityMetadata](t, op)
	got, err := a.communities.Get(known(t), &datasphere.GetCommunityRequest{CommunityId: id})
	if err != nil || got.GetName() != "Команда" || got.GetDescription() != "new" {
		t.Errorf("got %v, %v, want a new description alone", got, err)
	}
	for _, page := range []string{"default", id} {
		t.Run("list has "+page, func(t *testing.T) {
			list, err := a.communities.List(known(t), &datasphere.ListCommunitiesRequest{OrganizationId: "any"})
			if err != nil || len(list.GetCommunities()) != 2 ||
				list.GetCommunities()[0].GetId() != page && list.GetCommunities()[1].GetId() != page {
				t.Errorf("got %v, %v", list, err)
			}
		})
	}
	if list, err := a.communities.List(known(t), &datasphere.ListCommunitiesRequest{OrganizationId: "any", ListPublic: true}); err != nil || len(list.GetCommunities()) != 0 {
		t.Errorf("got %v, %v, want no public ones", list, err)
	}
	_, err = a.communities.List(known(t), &datasphere.ListCommunitiesRequest{OrganizationId: "any", PageSize: 1001})
	wantStatus(t, err, codes.InvalidArgument, "page_size", "1000")

	op, err = a.communities.Delete(known(t), &datasphere.DeleteCommunityRequest{CommunityId: id})
	if err != nil {
		t.Fatal(err)
	}
	metadataOf[*datasphere.DeleteCommunityMetadata](t, op)
	responseOf[*emptypb.Empty](t, op)
	_, err = a.communities.Delete(known(t), &datasphere.DeleteCommunityRequest{CommunityId: "default"})
	wantStatus(t, err, codes.FailedPrecondition, "", "")
}

package grpcapi

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// notebookType is the media type of an .ipynb file.
const notebookType = "application/x-ipynb+json"

// executions is Quire's ExecutionService.
type executions struct {
	quirev1.UnimplementedExecutionServiceServer
	service *service.Service
}

func (e *executions) List(ctx context.Context, req *quirev1.ListExecutionsRequest) (*quirev1.ListExecutionsResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	state, err := stateOf(req.GetState())
	if err != nil {
		return nil, err
	}
	found, next, err := e.service.Executions(ctx, quire.ExecutionFilter{
		ProjectID: quire.ProjectID(req.GetProjectId()),
		State:     state,
		Schedule:  quire.ScheduleID(req.GetScheduleId()),
		Sweep:     quire.SweepID(req.GetSweepId()),
		Page:      page,
	})
	if err != nil {
		return nil, err
	}
	response := &quirev1.ListExecutionsResponse{NextPageToken: next}
	now := time.Now()
	for _, execution := range found {
		message, err := executionProto(execution, now)
		if err != nil {
			return nil, err
		}
		response.Executions = append(response.Executions, message)
	}
	return response, nil
}

func (e *executions) Get(ctx context.Context, req *quirev1.GetExecutionRequest) (*quirev1.Execution, error) {
	execution, err := e.service.Execution(ctx, quire.ExecutionID(req.GetExecutionId()))
	if err != nil {
		return nil, err
	}
	return executionProto(execution, time.Now())
}

// defaultWait is how long Wait waits for a client that does not say.
const defaultWait = 30 * time.Second

func (e *executions) Wait(ctx context.Context, req *quirev1.WaitRequest) (*quirev1.Execution, error) {
	timeout := defaultWait
	if given := req.GetTimeout(); given != nil {
		if err := given.CheckValid(); err != nil {
			return nil, quire.Invalid("timeout", "must be a duration, such as 30s")
		}
		timeout = given.AsDuration()
	}
	execution, err := e.service.Wait(ctx, quire.ExecutionID(req.GetExecutionId()), timeout)
	if err != nil {
		return nil, err
	}
	return executionProto(execution, time.Now())
}

func (e *executions) Retry(ctx context.Context, req *quirev1.RetryExecutionRequest) (*quirev1.Execution, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	execution, err := e.service.Retry(ctx, call, quire.ExecutionID(req.GetExecutionId()))
	if err != nil {
		return nil, err
	}
	return executionProto(execution, time.Now())
}

func (e *executions) GetNotebook(req *quirev1.GetNotebookRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	content, err := e.service.Notebook(stream.Context(), quire.ExecutionID(req.GetExecutionId()))
	if err != nil {
		return err
	}
	defer content.Close()
	kind := notebookType // in the first piece only
	return sendChunks(content, func(piece []byte) error {
		err := stream.Send(&httpbody.HttpBody{ContentType: kind, Data: piece})
		kind = ""
		return err
	})
}

func (e *executions) Watch(req *quirev1.WatchRequest, stream grpc.ServerStreamingServer[quirev1.Event]) error {
	ctx, id := stream.Context(), quire.ExecutionID(req.GetExecutionId())
	if req.GetAfter() < 0 {
		return quire.Invalid("after", "must be the number of an event, or 0 for all")
	}
	if err := checkKinds(req.GetKinds()); err != nil {
		return err
	}
	if _, err := e.service.Execution(ctx, id); err != nil {
		return err
	}
	// The first event may be long in coming: the client learns now that it is
	// going to be told.
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for event, err := range e.service.Events(ctx, id, req.GetAfter(), req.GetKinds()...) {
		if err != nil {
			return err
		}
		if err := stream.Send(eventProto(event)); err != nil {
			return err
		}
	}
	return nil
}

// checkKinds refuses names that no kind of event has in JSON.
func checkKinds(kinds []string) error {
	known := (&quirev1.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	if len(kinds) > known.Len() {
		return quire.Invalid("kinds", "must not be more than there are")
	}
	for _, kind := range kinds {
		if field := known.ByJSONName(kind); field == nil {
			return quire.Invalid("kinds", "%q is no kind of event", kind)
		}
	}
	return nil
}

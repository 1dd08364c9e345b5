package grpcapi

import (
	"encoding/json"
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"quire"
)

// begun is the answer to the call that started op. A repetition may find it
// failed already: DataSphere's Go SDK hides the failure of an operation that
// is done in this answer, so the client is left to ask for it.
func begun(op quire.Operation, err error) (*operation.Operation, error) {
	if err != nil {
		return nil, err
	}
	if op.Failure != nil {
		op.Done, op.Failure = false, nil
	}
	return operationProto(op)
}

func operationProto(op quire.Operation) (*operation.Operation, error) {
	message := &operation.Operation{
		Id:          string(op.ID),
		Description: op.Description,
		CreatedAt:   timeProto(op.CreatedAt),
		CreatedBy:   op.CreatedBy,
		ModifiedAt:  timeProto(op.ModifiedAt),
		Done:        op.Done,
	}
	var err error
	if message.Metadata, err = anypb.New(operationMetadata(op)); err != nil {
		return nil, fmt.Errorf("encode metadata of operation: %w", err)
	}
	switch {
	case !op.Done:
	case op.Failure != nil:
		failure := status.New(grpcCode(op.Failure.Code), op.Failure.Error())
		message.Result = &operation.Operation_Error{Error: failure.Proto()}
	default:
		response, err := operationResponse(op)
		if err != nil {
			return nil, err
		}
		message.Result = &operation.Operation_Response{Response: response}
	}
	return message, nil
}

// operationMetadata returns the metadata that DataSphere declares for the call.
func operationMetadata(op quire.Operation) proto.Message {
	switch op.Kind {
	case quire.OpCreateCommunity:
		return &datasphere.CreateCommunityMetadata{CommunityId: string(op.CommunityID)}
	case quire.OpUpdateCommunity:
		return &datasphere.UpdateCommunityMetadata{CommunityId: string(op.CommunityID)}
	case quire.OpDeleteCommunity:
		return &datasphere.DeleteCommunityMetadata{CommunityId: string(op.CommunityID)}
	case quire.OpCreateProject:
		return &datasphere.CreateProjectMetadata{ProjectId: string(op.ProjectID)}
	case quire.OpUpdateProject:
		return &datasphere.UpdateProjectMetadata{ProjectId: string(op.ProjectID)}
	case quire.OpDeleteProject:
		return &datasphere.DeleteProjectMetadata{ProjectId: string(op.ProjectID)}
	case quire.OpSetUnitBalance:
		return &datasphere.SetUnitBalanceMetadata{ProjectId: string(op.ProjectID)}
	case quire.OpExecute:
		m := &datasphere.ProjectExecutionMetadata{ProjectId: string(op.ProjectID)}
		if op.Target.ByCell {
			m.Target = &datasphere.ProjectExecutionMetadata_CellId{CellId: op.Target.Given}
		} else {
			m.Target = &datasphere.ProjectExecutionMetadata_NotebookId{NotebookId: op.Target.Given}
		}
		return m
	case quire.OpCreateSchedule, quire.OpUpdateSchedule, quire.OpDeleteSchedule, quire.OpCreateSweep,
		quire.OpCreateWebhook, quire.OpDeleteWebhook:
	}
	return &emptypb.Empty{} // Quire's own, or of a kind that a newer Quire has stored
}

// operationResponse returns the response that DataSphere declares for the call.
func operationResponse(op quire.Operation) (*anypb.Any, error) {
	message, err := decodeResult(op)
	if err != nil {
		return nil, fmt.Errorf("decode result of operation: %w", err)
	}
	response, err := anypb.New(message)
	if err != nil {
		return nil, fmt.Errorf("encode response of operation: %w", err)
	}
	return response, nil
}

func decodeResult(op quire.Operation) (proto.Message, error) {
	switch op.Kind {
	case quire.OpCreateCommunity, quire.OpUpdateCommunity:
		var c quire.Community
		err := json.Unmarshal(op.Result, &c)
		return communityProto(c), err
	case quire.OpCreateProject, quire.OpUpdateProject:
		var p quire.Project
		err := json.Unmarshal(op.Result, &p)
		return projectProto(p), err
	case quire.OpExecute:
		var state quire.State
		err := json.Unmarshal(op.Result, &state)
		return &datasphere.ProjectExecutionResponse{ExecutionStatus: executionStatus(state)}, err
	case quire.OpDeleteCommunity, quire.OpDeleteProject, quire.OpSetUnitBalance,
		quire.OpCreateSchedule, quire.OpUpdateSchedule, quire.OpDeleteSchedule, quire.OpCreateSweep,
		quire.OpCreateWebhook, quire.OpDeleteWebhook:
	}
	return &emptypb.Empty{}, nil
}

func executionStatus(state quire.State) datasphere.ExecutionStatus {
	switch state {
	case quire.Succeeded:
		return datasphere.ExecutionStatus_OK
	case quire.Failed:
		return datasphere.ExecutionStatus_ERROR
	case quire.Aborted:
		return datasphere.ExecutionStatus_ABORTED
	case quire.Queued, quire.Starting, quire.Running:
	}
	return datasphere.ExecutionStatus_EXECUTION_STATUS_UNSPECIFIED
}

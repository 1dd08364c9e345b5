package grpcapi

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// environments is Quire's EnvironmentService.
type environments struct {
	quirev1.UnimplementedEnvironmentServiceServer
	service *service.Service
}

func (e *environments) List(ctx context.Context, _ *quirev1.ListEnvironmentsRequest) (*quirev1.ListEnvironmentsResponse, error) {
	list, err := e.service.Environments(ctx)
	if err != nil {
		return nil, err
	}
	response := &quirev1.ListEnvironmentsResponse{Environments: mapped(list, environmentProto)}
	for _, one := range response.Environments {
		one.Packages = nil
	}
	return response, nil
}

func (e *environments) Get(ctx context.Context, req *quirev1.GetEnvironmentRequest) (*quirev1.Environment, error) {
	found, err := e.service.Environment(ctx, req.GetDigest())
	if err != nil {
		return nil, err
	}
	return environmentProto(found), nil
}

func (e *environments) Build(ctx context.Context, req *quirev1.BuildEnvironmentRequest) (*quirev1.Environment, error) {
	built, err := e.build(ctx, req, func(quire.EnvironmentProgress) {})
	if err != nil {
		return nil, err
	}
	return environmentProto(built), nil
}

func (e *environments) WatchBuild(req *quirev1.BuildEnvironmentRequest, stream grpc.ServerStreamingServer[quirev1.WatchBuildResponse]) error {
	built, err := e.build(stream.Context(), req, func(p quire.EnvironmentProgress) {
		// Where the client is gone the build ends with the stream's context.
		_ = stream.Send(&quirev1.WatchBuildResponse{Body: &quirev1.WatchBuildResponse_Progress{Progress: environmentProgressProto(p)}})
	})
	if err != nil {
		return err
	}
	return stream.Send(&quirev1.WatchBuildResponse{Body: &quirev1.WatchBuildResponse_Environment{Environment: environmentProto(built)}})
}

func (e *environments) build(ctx context.Context, req *quirev1.BuildEnvironmentRequest, tell func(quire.EnvironmentProgress)) (quire.Environment, error) {
	return e.service.BuildEnvironment(ctx, quire.ProjectID(req.GetProjectId()), req.GetNotebook(), req.GetRefresh(), tell)
}

func (e *environments) Delete(ctx context.Context, req *quirev1.DeleteEnvironmentRequest) (*emptypb.Empty, error) {
	if err := e.service.RemoveEnvironment(ctx, req.GetDigest()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

func environmentProto(e quire.Environment) *quirev1.Environment {
	return &quirev1.Environment{
		Digest:       e.Digest,
		Python:       e.Python,
		Platform:     e.Platform,
		Source:       string(e.Source),
		PackageCount: int32(len(e.Packages)), //nolint:gosec // thousands at most
		Packages: mapped(e.Packages, func(p quire.Package) *quirev1.Package {
			return &quirev1.Package{Name: p.Name, Version: p.Version}
		}),
		Added:     e.Added,
		CreatedAt: timeProto(e.CreatedAt),
		UsedAt:    timeProto(e.UsedAt),
		InUse:     e.InUse,
		Bytes:     e.Bytes,
		Lock:      e.Lock,
	}
}

func environmentProgressProto(p quire.EnvironmentProgress) *quirev1.EnvironmentProgress {
	return &quirev1.EnvironmentProgress{Phase: string(p.Phase), Package: p.Package, Done: p.Done, Total: p.Total}
}

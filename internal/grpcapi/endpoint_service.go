package grpcapi

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"google.golang.org/grpc/metadata"

	"quire"
)

// endpointIDs are the services that DataSphere's SDKs look for: all of them
// are here.
func endpointIDs() []string {
	return []string{"datasphere", "endpoint", "iam", "operation"}
}

// endpoints is the ApiEndpointService.
type endpoints struct {
	endpoint.UnimplementedApiEndpointServiceServer
	address string // empty: the one that was called
}

func (e *endpoints) Get(ctx context.Context, req *endpoint.GetApiEndpointRequest) (*endpoint.ApiEndpoint, error) {
	for _, known := range e.all(ctx) {
		if known.GetId() == req.GetApiEndpointId() {
			return known, nil
		}
	}
	return nil, quire.Errorf(quire.NotFound, "endpoint %q not found", req.GetApiEndpointId())
}

// List returns all endpoints at once: the SDKs read one page.
func (e *endpoints) List(ctx context.Context, _ *endpoint.ListApiEndpointsRequest) (*endpoint.ListApiEndpointsResponse, error) {
	return &endpoint.ListApiEndpointsResponse{Endpoints: e.all(ctx)}, nil
}

func (e *endpoints) all(ctx context.Context) []*endpoint.ApiEndpoint {
	address := e.address
	if address == "" {
		address = calledAddress(ctx)
	}
	return mapped(endpointIDs(), func(id string) *endpoint.ApiEndpoint {
		return &endpoint.ApiEndpoint{Id: id, Address: address}
	})
}

// calledAddress returns where the client has found us. A proxy, as REST is
// one, says so in a header of its own.
func calledAddress(ctx context.Context) string {
	for _, name := range []string{"x-forwarded-host", ":authority"} {
		if values := metadata.ValueFromIncomingContext(ctx, name); len(values) > 0 && values[0] != "" {
			return values[0]
		}
	}
	return ""
}

package grpcapi

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	// The services that a client of DataSphere may know.
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// known reports whether a service is one that a client of DataSphere may call.
func known(service protoreflect.ServiceDescriptor) bool {
	switch service.ParentFile().Package() {
	case "yandex.cloud.datasphere.v1", "yandex.cloud.datasphere.v2", "yandex.cloud.datasphere.v2.jobs",
		"yandex.cloud.operation", "yandex.cloud.endpoint":
		return true
	case "yandex.cloud.iam.v1":
		return service.Name() == "IamTokenService"
	default:
		return false
	}
}

// registerUnbuilt registers every known service that s lacks, so that its
// methods answer that they are not built yet and reflection describes them.
func registerUnbuilt(s *grpc.Server) {
	registered := s.GetServiceInfo()
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			if _, ok := registered[string(service.FullName())]; !ok && known(service) {
				s.RegisterService(unbuilt(service), nil)
			}
		}
		return true
	})
}

func unbuilt(service protoreflect.ServiceDescriptor) *grpc.ServiceDesc {
	desc := &grpc.ServiceDesc{
		ServiceName: string(service.FullName()),
		HandlerType: (*any)(nil),
		Metadata:    service.ParentFile().Path(),
	}
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		if method.IsStreamingClient() || method.IsStreamingServer() {
			desc.Streams = append(desc.Streams, grpc.StreamDesc{
				StreamName:    string(method.Name()),
				Handler:       func(any, grpc.ServerStream) error { return errUnbuilt },
				ServerStreams: method.IsStreamingServer(),
				ClientStreams: method.IsStreamingClient(),
			})
			continue
		}
		desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: string(method.Name()), Handler: unbuiltMethod(method)})
	}
	return desc
}

// errUnbuilt becomes a message that names the method in statusOf.
var errUnbuilt = status.Error(codes.Unimplemented, "not built yet")

func unbuiltMethod(method protoreflect.MethodDescriptor) grpc.MethodHandler {
	info := &grpc.UnaryServerInfo{FullMethod: fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())}
	answer := func(context.Context, any) (any, error) { return nil, errUnbuilt }
	return func(_ any, ctx context.Context, _ func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		// Nobody reads the message, so nobody needs it decoded.
		return intercept(ctx, &emptypb.Empty{}, info, answer)
	}
}

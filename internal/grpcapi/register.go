package grpcapi

import (
	datasphere1 "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"

	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// Register returns what NewServer registers: the services that s, and for
// tokens exchanger, stand behind. The public address is what clients are told
// to connect to; empty, it is the one that they have used to ask.
func Register(s *service.Service, exchanger Exchanger, publicAddress string) func(grpc.ServiceRegistrar) {
	return func(r grpc.ServiceRegistrar) {
		datasphere.RegisterProjectServiceServer(r, &projects{service: s})
		datasphere.RegisterCommunityServiceServer(r, &communities{service: s})
		datasphere1.RegisterProjectDataServiceServer(r, &projectData{service: s})
		operation.RegisterOperationServiceServer(r, &operations{service: s})
		endpoint.RegisterApiEndpointServiceServer(r, &endpoints{address: publicAddress})
		iam.RegisterIamTokenServiceServer(r, &iamTokens{exchanger: exchanger})
		quirev1.RegisterExecutionServiceServer(r, &executions{service: s})
		quirev1.RegisterFileServiceServer(r, &files{service: s})
		quirev1.RegisterRunSettingsServiceServer(r, &runSettings{service: s})
		quirev1.RegisterPolicyServiceServer(r, &policies{service: s})
		quirev1.RegisterScheduleServiceServer(r, &schedules{service: s})
		quirev1.RegisterSweepServiceServer(r, &sweeps{service: s})
		quirev1.RegisterWebhookServiceServer(r, &webhooks{service: s})
		quirev1.RegisterEnvironmentServiceServer(r, &environments{service: s})
	}
}

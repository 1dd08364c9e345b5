package rest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/fullstorydev/grpcurl"
	"github.com/jhump/protoreflect/grpcreflect" //nolint:staticcheck // grpcurl is built on it
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"quire/test/quiretest"
)

// grpcurl brings no proto files: it learns all from the server, and without a
// token.
func TestReflection(t *testing.T) {
	server := quiretest.Start(t, nil)
	conn, err := grpc.NewClient(server.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := grpcreflect.NewClientAuto(t.Context(), conn)
	defer client.Reset()
	source := grpcurl.DescriptorSourceFromServer(t.Context(), client)

	services, err := grpcurl.ListServices(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"yandex.cloud.datasphere.v2.ProjectService", "yandex.cloud.datasphere.v2.CommunityService",
		"yandex.cloud.datasphere.v1.ProjectDataService", "yandex.cloud.operation.OperationService",
		"yandex.cloud.endpoint.ApiEndpointService", "yandex.cloud.iam.v1.IamTokenService",
		"quire.v1.ExecutionService", "quire.v1.FileService",
	} {
		if !slices.Contains(services, want) {
			t.Errorf("%s is not listed in %v", want, services)
		}
	}
	var out bytes.Buffer
	request := strings.NewReader(`{"community_id": "default"}`)
	parser, formatter, err := grpcurl.RequestParserAndFormatter(grpcurl.FormatJSON, source, request, grpcurl.FormatOptions{})
	if err != nil {
		t.Fatal(err)
	}
	handler := &grpcurl.DefaultEventHandler{Out: &out, Formatter: formatter}
	err = grpcurl.InvokeRPC(t.Context(), source, conn, "yandex.cloud.datasphere.v2.ProjectService/List",
		[]string{"Authorization: Bearer " + server.Token}, handler, parser.Next)
	if err != nil {
		t.Fatal(err)
	}
	if err := handler.Status.Err(); err != nil || strings.TrimSpace(out.String()) != "{}" {
		t.Errorf("the list of no projects is %q, %v", &out, err)
	}
}

package grpcapi_test

import (
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"quire/internal/grpcapi"
)

func TestEndpoints(t *testing.T) {
	a := newAPI(t)
	client := endpoint.NewApiEndpointServiceClient(a.server.Conn())
	addresses := func(t *testing.T, list *endpoint.ListApiEndpointsResponse, err error) map[string]string {
		t.Helper()
		if err != nil || list.GetNextPageToken() != "" {
			t.Fatalf("got %v, %v, want one page", list, err)
		}
		found := map[string]string{}
		for _, e := range list.GetEndpoints() {
			found[e.GetId()] = e.GetAddress()
		}
		return found
	}
	want := func(t *testing.T, found map[string]string, address string) {
		t.Helper()
		for _, id := range []string{"datasphere", "iam", "operation", "endpoint"} {
			if found[id] != address {
				t.Errorf("%s: got %q, want %q", id, found[id], address)
			}
		}
	}
	t.Run("as it was called", func(t *testing.T) { // without a token
		list, err := client.List(t.Context(), &endpoint.ListApiEndpointsRequest{}, grpc.CallAuthority("quire.example:8080"))
		want(t, addresses(t, list, err), "quire.example:8080")
	})
	t.Run("behind a proxy", func(t *testing.T) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-forwarded-host", "api.example")
		list, err := client.List(ctx, &endpoint.ListApiEndpointsRequest{})
		want(t, addresses(t, list, err), "api.example")
	})
	t.Run("one", func(t *testing.T) {
		got, err := client.Get(t.Context(), &endpoint.GetApiEndpointRequest{ApiEndpointId: "iam"}, grpc.CallAuthority("q:1"))
		if err != nil || got.GetId() != "iam" || got.GetAddress() != "q:1" {
			t.Errorf("got %v, %v, want iam", got, err)
		}
		_, err = client.Get(t.Context(), &endpoint.GetApiEndpointRequest{ApiEndpointId: "compute"})
		wantStatus(t, err, codes.NotFound, "", "compute")
	})
	t.Run("configured", func(t *testing.T) {
		s, err := grpcapi.NewServer(onlyAlice{}, grpcapi.Register(nil, noonAlice{}, "public.example:443"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		list, err := endpoint.NewApiEndpointServiceClient(s.Conn()).List(t.Context(), &endpoint.ListApiEndpointsRequest{})
		want(t, addresses(t, list, err), "public.example:443")
	})
}

func TestIamToken(t *testing.T) {
	a := newAPI(t)
	client := iam.NewIamTokenServiceClient(a.server.Conn())
	oauth := func(given string) *iam.CreateIamTokenRequest {
		return &iam.CreateIamTokenRequest{Identity: &iam.CreateIamTokenRequest_YandexPassportOauthToken{YandexPassportOauthToken: given}}
	}
	t.Run("for a known token", func(t *testing.T) {
		got, err := client.Create(t.Context(), oauth(token))
		if err != nil || got.GetIamToken() != token || !got.GetExpiresAt().AsTime().Equal(noon) {
			t.Errorf("got %v, %v, want the token itself until noon", got, err)
		}
	})
	t.Run("for an unknown token", func(t *testing.T) {
		_, err := client.Create(t.Context(), oauth("wrong"))
		wantStatus(t, err, codes.Unauthenticated, "", "unknown")
	})
	t.Run("for a JWT", func(t *testing.T) {
		_, err := client.Create(t.Context(), &iam.CreateIamTokenRequest{Identity: &iam.CreateIamTokenRequest_Jwt{Jwt: "a.b.c"}})
		wantStatus(t, err, codes.Unimplemented, "", "JWT")
	})
	t.Run("for nothing", func(t *testing.T) {
		_, err := client.Create(t.Context(), &iam.CreateIamTokenRequest{})
		wantStatus(t, err, codes.InvalidArgument, "", "")
	})
}

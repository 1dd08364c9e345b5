package sdkv2_test

import (
	"context"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/keepalive"

	"quire/test/quiretest"
)

// idleTime holds four pings, of which gRPC's default policy forgives three.
const idleTime = 45 * time.Second

// The SDK pings while nothing is under way. Here it does so as often as gRPC
// lets a client, so that a server that minds shows it soon.
func TestIdleConnection(t *testing.T) {
	t.Parallel()
	server := quiretest.Start(t, nil)
	c := build(t, append(plaintext(server, credentials.IAMToken(server.Token)),
		options.WithKeepalive(keepalive.ClientParameters{
			Time: 10 * time.Second, Timeout: 20 * time.Second, PermitWithoutStream: true,
		}))...)
	list := func() {
		t.Helper()
		if _, err := c.projects(t).List(t.Context(), &datasphere.ListProjectsRequest{CommunityId: "default"}); err != nil {
			t.Fatal(err)
		}
	}
	list()
	conn, ok := c.connection(t, "yandex.cloud.datasphere.v2.ProjectService.List").(*grpc.ClientConn)
	if !ok {
		t.Fatal("the SDK's connection is not gRPC's")
	}
	ctx, cancel := context.WithTimeout(t.Context(), idleTime)
	defer cancel()
	if conn.WaitForStateChange(ctx, connectivity.Ready) {
		t.Fatalf("the idle connection is %v", conn.GetState())
	}
	list()
}

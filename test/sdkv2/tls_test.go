package sdkv2_test

import (
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"

	"quire/test/quiretest"
)

// With TLS the SDK needs to be told nothing but where to ask for endpoints.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	server := quiretest.Start(t, &certified)
	for name, creds := range map[string]credentials.Credentials{
		"IAM token":   credentials.IAMToken(server.Token),
		"OAuth token": credentials.OAuthToken(server.Token),
	} {
		t.Run(name, func(t *testing.T) {
			c := build(t, options.WithCredentials(creds), options.WithDiscoveryEndpoint(server.Address))
			project := c.createProject(t)
			upload(t, c, project, "run.ipynb", quiretest.Notebook(t, "print('over TLS')"))
			op := c.execute(t, &datasphere.ProjectExecutionRequest{ProjectId: project, Target: notebook("run.ipynb")})
			wantStatus(t, op, datasphere.ExecutionStatus_OK)
		})
	}
}

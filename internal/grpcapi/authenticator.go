package grpcapi

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"

	"quire"
)

// Authenticator knows who is calling.
type Authenticator interface {
	// Authenticate returns the subject that the token stands for, never an
	// empty one. A token that stands for nobody is an Unauthenticated
	// *quire.Error. It is called concurrently, once for each call.
	Authenticate(ctx context.Context, bearerToken string) (subject string, err error)
}

// needsToken reports whether a method is for known callers only. The others
// are what a client needs before it has a token, and what tells nothing.
func needsToken(method string) bool {
	switch service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/"); service {
	case "yandex.cloud.endpoint.ApiEndpointService",
		"grpc.health.v1.Health",
		"grpc.reflection.v1.ServerReflection",
		"grpc.reflection.v1alpha.ServerReflection":
		return false
	case "yandex.cloud.iam.v1.IamTokenService":
		return name != "Create"
	default:
		return true
	}
}

func bearerToken(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return "", quire.Errorf(quire.Unauthenticated, "no token: send the header Authorization: Bearer <token>")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", quire.Errorf(quire.Unauthenticated, "the header Authorization must be one Bearer <token>")
	}
	return token, nil
}

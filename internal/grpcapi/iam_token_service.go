package grpcapi

import (
	"context"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	"quire"
)

// Exchanger gives the tokens that calls are made with.
type Exchanger interface {
	// Exchange returns, for a token given as an OAuth token, the token to call
	// with and when to ask again. An unknown one is Unauthenticated.
	Exchange(ctx context.Context, token string) (callWith string, until time.Time, err error)
}

// iamTokens is the IamTokenService.
type iamTokens struct {
	iam.UnimplementedIamTokenServiceServer
	exchanger Exchanger
}

func (i *iamTokens) Create(ctx context.Context, req *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
	switch identity := req.GetIdentity().(type) {
	case *iam.CreateIamTokenRequest_YandexPassportOauthToken:
		token, until, err := i.exchanger.Exchange(ctx, identity.YandexPassportOauthToken)
		if err != nil {
			return nil, err
		}
		return &iam.CreateIamTokenResponse{IamToken: token, ExpiresAt: timeProto(until)}, nil
	case *iam.CreateIamTokenRequest_Jwt:
		return nil, quire.Errorf(quire.Unimplemented, "the exchange of a service account's JWT is not built yet: send one of Quire's own tokens as yandex_passport_oauth_token, or call with it directly")
	}
	return nil, quire.Invalid("yandex_passport_oauth_token", "is missing: send one of Quire's tokens")
}

// Package auth knows who is calling: it holds the admin token, which is made
// on the first start, and the API tokens that were given out since.
//
// Every token may do everything; roles, and service accounts that sign their
// own tokens, are not here. Which calls need a token is for the transports to
// say.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"quire"
)

// Admin is the subject of the admin token.
const Admin = "admin"

// lifetime is what a client is told when it exchanges a token: it then asks
// again, and learns of a revocation.
const lifetime = 12 * time.Hour

// The files in the data folder.
const (
	adminFile  = "token"
	tokensFile = "api-tokens.json"
)

// Options may be nil, and each zero field means its default.
type Options struct {
	Logger *slog.Logger     // default: nothing is logged
	Now    func() time.Time // default time.Now
}

// Tokens are the tokens of one data folder. It is safe for concurrent use,
// also by several processes: what one gives out or revokes, the others notice.
type Tokens struct {
	admin digest
	path  string // of tokensFile
	now   func() time.Time

	mu    sync.Mutex
	known snapshot
}

// Open reads the tokens in the data folder dir, which must exist, and makes
// the admin token in dir/token if there is none.
func Open(dir string, opts *Options) (*Tokens, error) {
	if opts == nil {
		opts = &Options{}
	}
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{path: filepath.Join(dir, tokensFile), now: opts.Now}
	if t.now == nil {
		t.now = time.Now
	}
	admin, err := adminToken(filepath.Join(dir, adminFile), log)
	if err != nil {
		return nil, err
	}
	t.admin = digestOf(admin)
	if _, err := t.tokens(); err != nil {
		return nil, err
	}
	return t, nil
}

// Authenticate returns the subject whose token it is: Admin, or the name of an
// API token. An unknown token is Unauthenticated.
func (t *Tokens) Authenticate(_ context.Context, token string) (string, error) {
	given := digestOf(token)
	if equal(given, t.admin) {
		return Admin, nil
	}
	tokens, err := t.tokens()
	if err != nil {
		return "", err
	}
	for _, known := range tokens {
		if equal(given, known.digest) {
			return known.Name, nil
		}
	}
	return "", quire.Errorf(quire.Unauthenticated, "the token is not known: send the one in the file token of the server's data folder, or an API token that is not revoked")
}

// Exchange returns, for a token given as another system's credentials, the
// token to call with, which is the same, and until when the client may keep it
// without asking again. An unknown token is Unauthenticated.
func (t *Tokens) Exchange(ctx context.Context, token string) (string, time.Time, error) {
	if _, err := t.Authenticate(ctx, token); err != nil {
		return "", time.Time{}, fmt.Errorf("exchange token: %w", err)
	}
	return token, t.now().Add(lifetime), nil
}

// Key returns 32 bytes for a purpose, always the same as long as the admin token
// is. Who does not know that token can't tell them.
func (t *Tokens) Key(purpose string) []byte {
	mac := hmac.New(sha256.New, t.admin[:])
	_, _ = mac.Write([]byte(purpose)) // a hash takes everything
	return mac.Sum(nil)
}

// equal compares in a time that tells nothing about where two digests differ.
func equal(a, b digest) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

package grpcapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"

	"quire"
)

// The headers of a call and of its answer.
const (
	requestIDHeader      = "x-request-id"
	traceIDHeader        = "x-server-trace-id"
	idempotencyKeyHeader = "idempotency-key"
	pollIntervalHeader   = "x-operation-poll-interval"
	priorityHeader       = "quire-priority"
)

const maxRequestIDLength = 128

// request is what is known of a call beside its message.
type request struct {
	id      string // the client's own, where it sent a sane one
	traceID string // always ours
	subject string // empty before authentication, and where there is none
}

type requestKey struct{}

func newRequest(ctx context.Context) *request {
	r := &request{traceID: newTraceID()}
	if given := metadata.ValueFromIncomingContext(ctx, requestIDHeader); len(given) == 1 && saneRequestID(given[0]) {
		r.id = given[0]
	} else {
		r.id = uuid.NewString()
	}
	return r
}

// header returns what the answer to the request starts with.
func (r *request) header() metadata.MD {
	return metadata.Pairs(requestIDHeader, r.id, traceIDHeader, r.traceID)
}

// Subject returns who is calling, and "" where the method is open to all.
func Subject(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.subject
	}
	return ""
}

// IdempotencyKey returns the call's idempotency key in its canonical form, ""
// where it has none, and an InvalidArgument error where it is not a UUID.
func IdempotencyKey(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, idempotencyKeyHeader)
	if len(values) == 0 {
		return "", nil
	}
	key, err := uuid.Parse(values[0])
	// Parse also takes other notations, such as urn:uuid:…
	if err != nil || len(values) > 1 || len(values[0]) != 36 {
		return "", quire.Errorf(quire.InvalidArgument, "the header Idempotency-Key must be one UUID")
	}
	return key.String(), nil
}

// priorityOf returns the priority that the call asks for, 0 where it asks for
// none.
func priorityOf(ctx context.Context) (int, error) {
	values := metadata.ValueFromIncomingContext(ctx, priorityHeader)
	if len(values) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || len(values) > 1 || n < quire.MinPriority || n > quire.MaxPriority {
		return 0, quire.Errorf(quire.InvalidArgument, "the header Quire-Priority must be one whole number from %d to %d", quire.MinPriority, quire.MaxPriority)
	}
	return n, nil
}

// saneRequestID reports whether a client's own id may go into logs and headers.
func saneRequestID(id string) bool {
	const others = "-_.:/+="
	return id != "" && len(id) <= maxRequestIDLength && strings.IndexFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(others, r)
	}) < 0
}

func newTraceID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

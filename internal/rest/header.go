package rest

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	requestIDHeader     = "x-request-id"
	forwardedHostHeader = "x-forwarded-host"
)

// outgoing returns the context of the gRPC call for a request, with those of
// its headers that mean something there. A request without an id gets one.
func outgoing(w http.ResponseWriter, r *http.Request) (context.Context, error) {
	md := metadata.MD{}
	if r.Header.Get(requestIDHeader) == "" {
		id := uuid.NewString()
		md.Set(requestIDHeader, id)
		w.Header().Set(requestIDHeader, id)
	}
	for _, name := range []string{"authorization", "idempotency-key", "quire-priority", requestIDHeader, forwardedHostHeader} {
		for _, value := range r.Header.Values(name) {
			if value == "" {
				continue
			}
			if !printable(value) {
				return nil, status.Errorf(codes.InvalidArgument, "the header %s must be printable ASCII", http.CanonicalHeaderKey(name))
			}
			md.Append(name, value)
		}
	}
	if len(md.Get(forwardedHostHeader)) == 0 && printable(r.Host) {
		// What clients are told to connect to is where they have found us.
		md.Set(forwardedHostHeader, r.Host)
	}
	return metadata.NewOutgoingContext(r.Context(), md), nil
}

// usableRequestID matches the ids of clients' own that the gRPC methods keep.
var usableRequestID = regexp.MustCompile(`^[-_.:/+=0-9A-Za-z]{1,128}$`)

// givenRequestID returns the id that the client has given its request, nothing
// if it can't be used.
func givenRequestID(r *http.Request) string {
	values := r.Header.Values(requestIDHeader)
	if len(values) != 1 || !usableRequestID.MatchString(values[0]) {
		return ""
	}
	return values[0]
}

// copyHeader hands on what the gRPC method says in its answer's header.
func copyHeader(w http.ResponseWriter, md metadata.MD) {
	for _, name := range []string{requestIDHeader, "x-server-trace-id", "x-operation-poll-interval"} {
		if values := md.Get(name); len(values) > 0 {
			w.Header().Set(name, values[0])
		}
	}
}

// printable reports whether gRPC can carry a header's value.
func printable(value string) bool {
	return strings.IndexFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) < 0
}

// Package grpcapi serves Quire over gRPC: DataSphere's services and Quire's
// own, translated to the service layer's words and back, behind one chain of
// interceptors that identifies, authenticates, validates, counts and logs each
// call. HTTP, and JSON above all, it leaves to package rest, which calls it
// through Server.Conn.
package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const (
	maxRequestBytes  = 4 << 20 // decoded before the caller is known: inputs take at most 1 MiB, files come in pieces
	maxResponseBytes = 256 << 20
	connBufferBytes  = 1 << 20
)

// Options of a Server; nil means the defaults.
type Options struct {
	Logger  *slog.Logger          // nil: no log
	Metrics prometheus.Registerer // nil: not counted
}

// Server is the gRPC server. It has no listener of its own: it is an
// http.Handler for HTTP/2 requests, and it is there for its own process
// through Conn.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
	conn   *grpc.ClientConn
	served chan error
}

// NewServer returns a running server of what register registers, and of
// health, reflection and an UNIMPLEMENTED answer for each method of DataSphere
// that register leaves out. Close it.
func NewServer(auth Authenticator, register func(grpc.ServiceRegistrar), o *Options) (*Server, error) {
	if o == nil {
		o = &Options{}
	}
	calls := newInterceptor(auth, *o)
	s := &Server{
		grpc: grpc.NewServer(
			grpc.ChainUnaryInterceptor(calls.unary),
			grpc.ChainStreamInterceptor(calls.stream),
			grpc.MaxRecvMsgSize(maxRequestBytes),
			grpc.MaxSendMsgSize(maxResponseBytes),
			// DataSphere's Go SDK pings every 30 s, also when nothing is under
			// way; the default policy would drop it for that.
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
				MinTime:             10 * time.Second,
				PermitWithoutStream: true,
			}),
		),
		health: health.NewServer(),
		served: make(chan error, 1),
	}
	register(s.grpc)
	registerUnbuilt(s.grpc)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	return s, s.connect()
}

// connect starts to serve this process.
func (s *Server) connect() error {
	listener := bufconn.Listen(connBufferBytes)
	conn, err := grpc.NewClient("passthrough:///quire",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(maxResponseBytes),
			grpc.MaxCallSendMsgSize(maxResponseBytes),
		),
	)
	if err != nil {
		return fmt.Errorf("connect to the gRPC server in process: %w", err)
	}
	s.conn = conn
	go func() { s.served <- s.grpc.Serve(listener) }()
	return nil
}

// ServeHTTP answers a gRPC request that came over HTTP/2.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.grpc.ServeHTTP(w, r) }

// Conn returns the connection for callers in this process. Its calls pass the
// same interceptors as all others.
func (s *Server) Conn() grpc.ClientConnInterface { return s.conn }

// Services returns the descriptors of all that is served, in the order of
// their names.
func (s *Server) Services() []protoreflect.ServiceDescriptor {
	var found []protoreflect.ServiceDescriptor
	for name := range s.grpc.GetServiceInfo() {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if service, ok := d.(protoreflect.ServiceDescriptor); ok && err == nil {
			found = append(found, service)
		}
	}
	slices.SortFunc(found, func(a, b protoreflect.ServiceDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return found
}

// SetServing says what the health service answers; at first it is SERVING.
func (s *Server) SetServing(serving bool) {
	answer := healthpb.HealthCheckResponse_NOT_SERVING
	if serving {
		answer = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", answer)
}

// Close ends all calls and returns when they have ended. It is idempotent. Let
// the HTTP server shut down first: it knows how to let calls finish.
func (s *Server) Close() error {
	s.health.Shutdown()
	err := s.conn.Close()
	// Not GracefulStop: it does not know calls that came by ServeHTTP.
	s.grpc.Stop()
	served := <-s.served
	s.served <- served
	if served != nil && !errors.Is(served, grpc.ErrServerStopped) { // it may not have begun
		return fmt.Errorf("serve gRPC in process: %w", served)
	}
	if err != nil && status.Code(err) != codes.Canceled {
		return fmt.Errorf("close the connection in process: %w", err)
	}
	return nil
}

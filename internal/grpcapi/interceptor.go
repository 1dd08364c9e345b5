package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"quire"
	"quire/internal/constraint"
)

// interceptor is what every call passes, whatever its method and transport.
type interceptor struct {
	auth    Authenticator
	log     *slog.Logger
	metrics *metrics
}

func newInterceptor(auth Authenticator, o Options) *interceptor {
	i := &interceptor{auth: auth, log: o.Logger, metrics: newMetrics(o.Metrics)}
	if i.log == nil {
		i.log = slog.New(slog.DiscardHandler)
	}
	return i
}

func (i *interceptor) unary(ctx context.Context, message any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	r := newRequest(ctx)
	ctx = context.WithValue(ctx, requestKey{}, r)
	var answer any
	err := i.call(ctx, r, info.FullMethod, func() error {
		if err := grpc.SetHeader(ctx, r.header()); err != nil {
			return fmt.Errorf("set the answer's header: %w", err)
		}
		if err := i.authenticate(ctx, r, info.FullMethod); err != nil {
			return err
		}
		if err := check(message); err != nil {
			return err
		}
		var err error
		answer, err = handle(ctx, message)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (i *interceptor) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	r := newRequest(stream.Context())
	ctx := context.WithValue(stream.Context(), requestKey{}, r)
	return i.call(ctx, r, info.FullMethod, func() error {
		if err := stream.SetHeader(r.header()); err != nil {
			return fmt.Errorf("set the answer's header: %w", err)
		}
		if err := i.authenticate(ctx, r, info.FullMethod); err != nil {
			return err
		}
		return handle(service, &checkedStream{stream, ctx})
	})
}

// call runs one call and gives its error the form that clients may see. A
// panic ends that call alone.
func (i *interceptor) call(ctx context.Context, r *request, method string, run func() error) error {
	start := time.Now()
	err := recovered(run)
	code, answer := codes.OK, error(nil)
	if err != nil {
		st := statusOf(err, method, r.id)
		code, answer = st.Code(), st.Err()
	}
	took := time.Since(start)
	i.metrics.observe(method, code, took)
	attrs := []slog.Attr{
		slog.String("method", method), slog.String("code", code.String()), slog.Duration("duration", took),
		slog.String("request_id", r.id), slog.String("trace_id", r.traceID), slog.String("subject", r.subject),
	}
	switch code {
	case codes.Internal, codes.Unknown, codes.Unavailable:
		attrs = append(attrs, slog.String("err", withCause(err)))
		i.log.LogAttrs(ctx, slog.LevelError, "call failed", attrs...)
	default:
		i.log.LogAttrs(ctx, slog.LevelInfo, "call", attrs...)
	}
	return answer
}

// withCause returns all that the log is to say about err: a *quire.Error keeps
// its cause out of its message.
func withCause(err error) string {
	if e, ok := errors.AsType[*quire.Error](err); ok && e.Err != nil {
		return err.Error() + ": " + e.Err.Error()
	}
	return err.Error()
}

func (i *interceptor) authenticate(ctx context.Context, r *request, method string) error {
	if !needsToken(method) {
		return nil
	}
	token, err := bearerToken(ctx)
	if err != nil {
		return err
	}
	r.subject, err = i.auth.Authenticate(ctx, token)
	if err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	return nil
}

func recovered(run func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return run()
}

// checkedStream validates each message that the client sends.
type checkedStream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // a stream's context has no other place
}

func (s *checkedStream) Context() context.Context { return s.ctx }

func (s *checkedStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	return check(message)
}

func check(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("check a request: %T is no proto message", message)
	}
	return constraint.Check(m)
}

package rest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// OneAddress returns the handler of an address that speaks both: gRPC over
// HTTP/2 goes to grpc, everything else to rest.
func OneAddress(grpc, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			grpc.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// ServeOptions are the options of Serve; nil means the defaults.
type ServeOptions struct {
	TLS    *tls.Config   // nil: plain text, HTTP/2 included
	Grace  time.Duration // that calls have to end by themselves; 0 means 5 s
	Logger *slog.Logger  // nil: no log
}

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 10 * time.Minute
	defaultGrace  = 5 * time.Second
	closeGrace    = 2 * time.Second
)

var errShutdown = errors.New("the server shuts down")

// Serve serves handler on listener, which it closes, until ctx ends: then it
// takes no more requests, gives those under way the grace to end, cancels the
// contexts of the rest, streams above all, and returns nil when they are over.
// No timeout limits a whole request.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, o *ServeOptions) error {
	if o == nil {
		o = &ServeOptions{}
	}
	requests, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	server := newServer(requests, handler, *o)
	failed := make(chan error, 1)
	go func() {
		if o.TLS != nil {
			failed <- server.ServeTLS(listener, "", "")
		} else {
			failed <- server.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	err := shutdown(requests, server, cmp.Or(o.Grace, defaultGrace), cancel)
	if served := <-failed; err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = fmt.Errorf("serve HTTP: %w", served)
	}
	return err
}

func shutdown(ctx context.Context, server *http.Server, grace time.Duration, cancel context.CancelCauseFunc) error {
	ctx = context.WithoutCancel(ctx)
	graceful, done := context.WithTimeout(ctx, grace)
	defer done()
	if server.Shutdown(graceful) == nil {
		return nil
	}
	cancel(errShutdown)
	brief, done := context.WithTimeout(ctx, closeGrace)
	defer done()
	if server.Shutdown(brief) == nil {
		return nil
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("close the HTTP server: %w", err)
	}
	return nil
}

func newServer(requests context.Context, handler http.Handler, o ServeOptions) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(o.TLS == nil)
	server := &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			// A client of gRPC has one connection, and each watcher is a stream.
			MaxConcurrentStreams: 1000,
			// Finds peers that are gone although their connection is not.
			SendPingTimeout: 30 * time.Second,
			PingTimeout:     15 * time.Second,
		},
	}
	if o.Logger != nil {
		server.ErrorLog = slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn)
	}
	if o.TLS != nil {
		server.TLSConfig = o.TLS.Clone()
		for _, protocol := range []string{"h2", "http/1.1"} {
			if !slices.Contains(server.TLSConfig.NextProtos, protocol) {
				server.TLSConfig.NextProtos = append(server.TLSConfig.NextProtos, protocol)
			}
		}
	}
	return server
}

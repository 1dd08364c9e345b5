// Package rest serves Quire over HTTP: every gRPC method that has a
// google.api.http rule as JSON, files and notebooks as raw bytes, an
// execution's events as server-sent events. It holds no rule of its own on
// what a caller may do or send: each request becomes a gRPC call on the
// connection that New is given, so that identity, limits and logging are those
// of gRPC.
//
// JSON goes out in lowerCamelCase with int64 as strings; zero values are
// written and messages that are not set are left out. Coming in, both
// spellings of a name are read, whatever the Content-Type, and unknown fields
// are ignored. An error is {"code", "message", "details"} with the gRPC code;
// a path that does not exist is 404 with code 5, a verb that the path does not
// have is 405 with code 12 and the header Allow, a JSON body of more than
// 4 MiB is 413 with code 3.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	quirev1 "quire/internal/gen/quire/v1"
)

const defaultKeepAlive = 15 * time.Second

// Options of a Handler; nil means the defaults.
type Options struct {
	Ready   func(context.Context) error // asked by /readyz; nil: always ready
	Metrics prometheus.Gatherer         // shown at /metrics; nil: no such path
	// Authorize says by an error that the bearer of a token may not see the
	// metrics; nil: everybody may.
	Authorize func(ctx context.Context, token string) error
	KeepAlive time.Duration // between signs of life in an idle stream of events; 0 means 15 s
	Logger    *slog.Logger  // nil: no log
}

// Handler is the REST API. It serves any number of requests at a time.
type Handler struct {
	conn       grpc.ClientConnInterface
	files      quirev1.FileServiceClient
	executions quirev1.ExecutionServiceClient
	options    Options
	reports    chan struct{} // holds one for each report that is being made
	mux        *runtime.ServeMux
	paths      *runtime.ServeMux // the same paths, only to ask which exist
}

// New returns the REST API of the services, which conn leads to.
func New(conn grpc.ClientConnInterface, services []protoreflect.ServiceDescriptor, o *Options) (*Handler, error) {
	h := &Handler{
		conn:       conn,
		files:      quirev1.NewFileServiceClient(conn),
		executions: quirev1.NewExecutionServiceClient(conn),
		reports:    make(chan struct{}, maxReports),
		paths:      runtime.NewServeMux(muxOptions(func(http.ResponseWriter, *http.Request) {})...),
	}
	if o != nil {
		h.options = *o
	}
	if h.options.KeepAlive == 0 {
		h.options.KeepAlive = defaultKeepAlive
	}
	if h.options.Logger == nil {
		h.options.Logger = slog.New(slog.DiscardHandler)
	}
	h.mux = runtime.NewServeMux(muxOptions(h.noRoute)...)
	return h, h.bind(services)
}

func muxOptions(noRoute http.HandlerFunc) []runtime.ServeMuxOption {
	return []runtime.ServeMuxOption{
		// A POST stays a POST, whatever its content is called.
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithStrictDeepWildcardMatching(),
		runtime.WithRoutingErrorHandler(
			func(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, _ int) {
				noRoute(w, r)
			}),
	}
}

func (h *Handler) bind(services []protoreflect.ServiceDescriptor) error {
	routes, err := routesOf(services)
	if err != nil {
		return err
	}
	for _, r := range routes {
		serve, err := h.serve(r)
		if err != nil {
			return err
		}
		if err := h.handle(r.verb, r.path, serve); err != nil {
			return err
		}
	}
	for _, raw := range []struct {
		verb, path string
		serve      runtime.HandlerFunc
	}{
		{http.MethodPut, "/quire/v1/projects/{project_id}/files/{path=**}", h.putFile},
		{http.MethodGet, "/quire/v1/projects/{project_id}/files/{path=**}", h.getFile},
		{http.MethodGet, "/quire/v1/executions/{execution_id}/notebook", h.getNotebook},
		{http.MethodGet, "/quire/v1/executions/{execution_id}/html", h.getReport},
		{http.MethodGet, "/quire/v1/executions/{execution_id}/events", h.watch},
	} {
		if err := h.handle(raw.verb, raw.path, raw.serve); err != nil {
			return err
		}
	}
	return h.bindPages()
}

// handle binds verb and path. An id holds no colon: in a path that ends in
// one, a colon starts a custom verb, and if that is not bound then the path
// does not exist.
func (h *Handler) handle(verb, path string, serve runtime.HandlerFunc) error {
	last := path[strings.LastIndex(path, "/")+1:]
	id, isID := strings.CutPrefix(last, "{")
	id, ends := strings.CutSuffix(id, "}")
	isID = isID && ends && !strings.Contains(id, "=")
	exists := func(params map[string]string) bool { return !isID || !strings.Contains(params[id], ":") }

	err := h.mux.HandlePath(verb, path, func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		if !exists(params) {
			h.noRoute(w, r)
			return
		}
		if !utf8.ValidString(r.URL.Path) {
			h.fail(w, status.Error(codes.InvalidArgument, "the path must be UTF-8"))
			return
		}
		serve(w, r, params)
	})
	if err != nil {
		return err
	}
	return h.paths.HandlePath(verb, path, func(w http.ResponseWriter, _ *http.Request, params map[string]string) {
		if p, ok := w.(*probe); ok {
			p.found = exists(params)
		}
	})
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if id := givenRequestID(r); id != "" {
		w.Header().Set(requestIDHeader, id) // for answers that no gRPC method gives
	}
	h.mux.ServeHTTP(w, r)
}

// probe takes the answer of Handler.paths.
type probe struct {
	http.ResponseWriter
	found bool
}

// noRoute answers a request that nothing is bound to.
func (h *Handler) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, verb := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		p := &probe{ResponseWriter: w}
		asked := r.Clone(r.Context())
		asked.Method = verb
		h.paths.ServeHTTP(p, asked)
		if p.found {
			allowed = append(allowed, verb)
		}
	}
	if len(allowed) == 0 {
		h.fail(w, status.Error(codes.NotFound, "there is nothing at this path"))
		return
	}
	verbs := strings.Join(allowed, ", ")
	w.Header().Set("Allow", verbs)
	h.fail(w, &httpError{
		http.StatusMethodNotAllowed,
		status.Newf(codes.Unimplemented, "this path takes %s, not this verb", verbs),
	})
}

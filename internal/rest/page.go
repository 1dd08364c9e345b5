package rest

import (
	"io"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"quire/internal/gen/openapi"
)

const frontPage = `Quire runs Jupyter notebooks as a service.

/datasphere/v2/…  DataSphere's API (gRPC at this address too, with reflection)
/operations/…     long-running operations
/quire/v1/…       executions, files and settings
/openapi.json     the description of /quire/v1
/healthz, /readyz, /metrics
`

// bindPages binds what is for people and machines that watch the server. Only
// the metrics need a token: they tell of what others do.
func (h *Handler) bindPages() error {
	pages := map[string]http.HandlerFunc{
		"/":             text(http.StatusOK, "text/plain; charset=utf-8", frontPage),
		"/healthz":      text(http.StatusOK, "text/plain; charset=utf-8", "ok\n"),
		"/readyz":       h.ready,
		"/openapi.json": text(http.StatusOK, "application/json", openapi.JSON),
	}
	if h.options.Metrics != nil {
		pages["/metrics"] = h.authorized(promhttp.HandlerFor(h.options.Metrics, promhttp.HandlerOpts{}))
	}
	for path, serve := range pages {
		page := func(w http.ResponseWriter, r *http.Request, _ map[string]string) { serve(w, r) }
		if err := h.handle(http.MethodGet, path, runtime.HandlerFunc(page)); err != nil {
			return err
		}
	}
	return nil
}

// authorized lets those pass whom the options let see the metrics.
func (h *Handler) authorized(page http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if h.options.Authorize != nil && (!ok || h.options.Authorize(r.Context(), token) != nil) {
			h.fail(w, status.Error(codes.Unauthenticated, "the metrics need a token: send Authorization: Bearer and an API token"))
			return
		}
		page.ServeHTTP(w, r)
	}
}

func text(httpStatus int, contentType, content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(httpStatus)
		_, _ = io.WriteString(w, content)
	}
}

func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	answer := text(http.StatusOK, "text/plain; charset=utf-8", "ready\n")
	if h.options.Ready != nil {
		if err := h.options.Ready(r.Context()); err != nil {
			h.options.Logger.Warn("not ready", "err", err)
			answer = text(http.StatusServiceUnavailable, "text/plain; charset=utf-8", "not ready\n")
		}
	}
	answer(w, r)
}

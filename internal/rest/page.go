package rest

import (
	"io"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"quire/internal/gen/openapi"
)

const frontPage = `Quire runs Jupyter notebooks as a service.

/datasphere/v2/…  DataSphere's API (gRPC at this address too, with reflection)
/operations/…     long-running operations
/quire/v1/…       executions, files and settings
/openapi.json     the description of /quire/v1
/healthz, /readyz, /metrics
`

// bindPages binds what is for people and machines that watch the server. None
// of it needs a token.
func (h *Handler) bindPages() error {
	pages := map[string]http.HandlerFunc{
		"/":             text(http.StatusOK, "text/plain; charset=utf-8", frontPage),
		"/healthz":      text(http.StatusOK, "text/plain; charset=utf-8", "ok\n"),
		"/readyz":       h.ready,
		"/openapi.json": text(http.StatusOK, "application/json", openapi.JSON),
	}
	if h.options.Metrics != nil {
		pages["/metrics"] = promhttp.HandlerFor(h.options.Metrics, promhttp.HandlerOpts{}).ServeHTTP
	}
	for path, serve := range pages {
		page := func(w http.ResponseWriter, r *http.Request, _ map[string]string) { serve(w, r) }
		if err := h.handle(http.MethodGet, path, runtime.HandlerFunc(page)); err != nil {
			return err
		}
	}
	return nil
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

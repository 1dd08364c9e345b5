// Package web serves the pages, which are built from web/ and embedded, and
// lets a browser that has signed in call the REST API behind it: it turns the
// cookie of a session into the header that the API asks for, and does nothing
// else with the API. What the pages show is the front end's matter.
package web

import (
	"context"
	"crypto/cipher"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Authenticator knows whose token it is; an unknown one is an error.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (subject string, err error)
}

// Options of a Handler; nil means the defaults.
type Options struct {
	Now func() time.Time // nil: time.Now
}

// Handler serves the pages, and hands what is no page on to the API. It serves
// any number of requests at a time.
type Handler struct {
	api    http.Handler
	tokens Authenticator
	seal   cipher.AEAD
	now    func() time.Time
	files  *assets
	origin *http.CrossOriginProtection
}

// New returns the handler in front of api. The key, of 32 bytes, seals the
// cookies: sessions last as long as it stays the same.
func New(api http.Handler, tokens Authenticator, key []byte, o *Options) (*Handler, error) {
	if o == nil {
		o = &Options{}
	}
	seal, err := newSeal(key)
	if err != nil {
		return nil, err
	}
	files, err := openAssets(dist)
	if err != nil {
		return nil, fmt.Errorf("read embedded pages: %w", err)
	}
	h := &Handler{
		api: api, tokens: tokens, seal: seal, now: o.Now, files: files,
		origin: http.NewCrossOriginProtection(),
	}
	if h.now == nil {
		h.now = time.Now
	}
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == sessionPath:
		h.session(w, r)
	case path == "/" && reads(r) && strings.Contains(r.Header.Get("Accept"), "text/html"):
		h.files.page(w, r)
	case path == framePath && reads(r):
		h.files.frame(w, r)
	case (strings.HasPrefix(path, assetsPath) || path == iconPath) && reads(r):
		h.files.asset(w, r)
	default:
		h.api.ServeHTTP(w, h.identified(r))
	}
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// identified gives a request of a signed-in page the header Authorization. A
// cookie alone identifies nobody where something could be done in its name:
// the page adds a header that no other site can, and that other sites' scripts
// would have to ask for first.
func (h *Handler) identified(r *http.Request) *http.Request {
	if r.Header.Get("Authorization") != "" || !h.ours(r) {
		return r
	}
	token, ok := h.token(r)
	if !ok {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Del("Cookie")
	return r
}

// ours reports whether a request comes from our own page.
func (h *Handler) ours(r *http.Request) bool {
	if h.origin.Check(r) != nil {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	return r.Header.Get(pageHeader) != "" || isDownload(r)
}

// isDownload reports whether a request reads what a page links to as a file,
// which changes nothing.
func isDownload(r *http.Request) bool {
	if !reads(r) {
		return false
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/quire/v1/")
	if !ok {
		return false
	}
	kind, rest, _ := strings.Cut(rest, "/")
	_, what, _ := strings.Cut(rest, "/")
	switch kind {
	case "executions":
		return what == "notebook" || what == "html"
	case "sweeps":
		return what == "table" || what == "table.csv"
	case "projects":
		return strings.HasPrefix(what, "files/")
	}
	return false
}

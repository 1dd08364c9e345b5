package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// dist holds what the front end was built to, each file compressed; nothing but
// .gitkeep where it was not built.
//
//go:embed all:dist
var dist embed.FS

//go:embed unbuilt.html
var unbuilt []byte

const (
	framePath  = "/frame.html"
	iconPath   = "/icon.svg"
	assetsPath = "/assets/"
)

// pagePolicy allows the page its own files and the API. Not one inline script
// or style runs in it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// framePolicy holds what a notebook brings. The frame has an origin of its own,
// which no cookie belongs to; its scripts run, reach no network, navigate
// nothing but the frame itself, and that nowhere but here.
const framePolicy = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; " +
	"style-src 'self' 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src 'self' data:; " +
	"connect-src 'none'; frame-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

// assets are the embedded files.
type assets struct {
	files fs.FS
}

func openAssets(embedded fs.FS) (*assets, error) {
	files, err := fs.Sub(embedded, "dist")
	return &assets{files: files}, err
}

// page is the front end, or what says how to build it.
func (a *assets) page(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept")
	if _, err := fs.Stat(a.files, "index.html.gz"); errors.Is(err, fs.ErrNotExist) {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(unbuilt)
		return
	}
	a.send(w, r, "index.html")
}

// frame is where outputs are shown.
func (a *assets) frame(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", framePolicy)
	w.Header().Set("Cache-Control", "no-cache")
	a.send(w, r, "frame.html")
}

// asset is a file whose name holds its digest: it never changes. The frame has
// another origin, which must be allowed to load it; nothing here is secret.
func (a *assets) asset(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.URL.Path == iconPath {
		w.Header().Set("Cache-Control", "public, max-age=86400")
	}
	a.send(w, r, strings.TrimPrefix(path.Clean(r.URL.Path), "/"))
}

// send answers with an embedded file as it is, compressed, where the client
// reads that.
func (a *assets) send(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	content, err := fs.ReadFile(a.files, name+".gz")
	if err != nil {
		h.Del("Cache-Control")
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "there is no such file\n")
		return
	}
	h.Set("Content-Type", contentType(name))
	h.Add("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if plain, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
			_, _ = io.Copy(w, plain) //nolint:gosec // our own file
		}
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(content)
	}
}

// contentType does not leave what a browser runs to the system's table.
func contentType(name string) string {
	switch extension := path.Ext(name); extension {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}

package web

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	sessionPath = "/web/session"
	pageHeader  = "Quire-Page"

	// lifetime bounds a session: then the token is asked for again.
	lifetime = 12 * time.Hour

	maxToken = 1024 // bytes; a cookie holds 4096
	maxBody  = 4096

	// codes of gRPC, as every error of the API has one.
	codeInvalid         = 3
	codeDenied          = 7
	codeUnimplemented   = 12
	codeUnauthenticated = 16
)

// newSeal returns what encrypts cookies. They hold the token itself, so that a
// revocation ends its sessions and a restart of the server ends none.
func newSeal(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the key of sessions: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("use the key of sessions: %w", err)
	}
	return seal, nil
}

// session signs in by POST, says by GET who is signed in, and signs out by
// DELETE. Each needs the page's header, a sign-in too: another site must not
// choose in whose name we act.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !h.ours(r) {
		answerError(w, http.StatusForbidden, codeDenied, "only Quire's own pages sign in here")
		return
	}
	switch r.Method {
	case http.MethodPost:
		h.signIn(w, r)
	case http.MethodGet:
		token, _ := h.token(r)
		h.answerSubject(w, r, token)
	case http.MethodDelete:
		http.SetCookie(w, h.cookie(r, "", -1))
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		answerError(w, http.StatusMethodNotAllowed, codeUnimplemented, "this path takes GET, POST, DELETE, not this verb")
	}
}

func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&given); err != nil {
		answerError(w, http.StatusBadRequest, codeInvalid, `the body must be {"token": "…"}`)
		return
	}
	token := strings.TrimSpace(given.Token)
	if len(token) > maxToken {
		token = "" // nobody's
	}
	if _, err := h.tokens.Authenticate(r.Context(), token); err == nil {
		http.SetCookie(w, h.cookie(r, h.sealed(token), lifetime))
	}
	h.answerSubject(w, r, token)
}

func (h *Handler) answerSubject(w http.ResponseWriter, r *http.Request, token string) {
	if token == "" {
		answerError(w, http.StatusUnauthorized, codeUnauthenticated, "sign in with a token")
		return
	}
	subject, err := h.tokens.Authenticate(r.Context(), token)
	if err != nil {
		answerError(w, http.StatusUnauthorized, codeUnauthenticated, "the token is not known, or it was revoked")
		return
	}
	answer(w, http.StatusOK, map[string]string{"subject": subject})
}

// cookie returns the cookie of a session. A negative age removes it.
func (h *Handler) cookie(r *http.Request, value string, age time.Duration) *http.Cookie {
	secure := isSecure(r)
	seconds := int(age / time.Second)
	if age < 0 {
		seconds = -1
	}
	return &http.Cookie{
		Name: cookieName(secure), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}

// cookieName has a prefix, where a browser keeps the promise that it means:
// set by this host alone, and over TLS.
func cookieName(secure bool) string {
	if secure {
		return "__Host-quire"
	}
	return "quire"
}

// isSecure reports whether the browser speaks TLS, to us or to a proxy before us.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// sealed returns a cookie's value: until when it holds, and the token.
func (h *Handler) sealed(token string) string {
	plain := binary.BigEndian.AppendUint64(nil, uint64(h.now().Add(lifetime).Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(h.seal.Seal(nil, nil, append(plain, token...), nil))
}

// token returns the token of the request's session, if there is one and it has
// not ended.
func (h *Handler) token(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(cookieName(isSecure(r)))
	if err != nil {
		return "", false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return "", false
	}
	plain, err := h.seal.Open(nil, nil, sealed, nil)
	if err != nil || len(plain) < 8 {
		return "", false
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0) //nolint:gosec // as it was sealed
	if !h.now().Before(until) {
		return "", false
	}
	return string(plain[8:]), true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone
}

func answerError(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, map[string]any{"code": code, "message": message, "details": []any{}})
}

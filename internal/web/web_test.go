package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"quire/internal/web"
)

type tokens map[string]string

func (t tokens) Authenticate(_ context.Context, token string) (string, error) {
	if subject := t[token]; subject != "" {
		return subject, nil
	}
	return "", errors.New("nobody's")
}

// newHandler returns the pages in front of an API that says as whom it was called.
func newHandler(t *testing.T, known tokens, now *time.Time) *web.Handler {
	t.Helper()
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	})
	h, err := web.New(api, known, []byte(strings.Repeat("k", 32)), &web.Options{Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// answer is what came of a request.
type answer struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    string
}

// serve answers one request; headers are names and values.
func serve(t *testing.T, h http.Handler, verb, url, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), verb, url, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	result := w.Result()
	defer result.Body.Close()
	content, err := io.ReadAll(result.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{result.StatusCode, result.Header, result.Cookies(), string(content)}
}

const (
	address = "http://quire.test"
	session = address + "/web/session"
)

// signIn returns the cookie of a session, as a browser sends it.
func signIn(t *testing.T, h http.Handler) string {
	t.Helper()
	answer := serve(t, h, "POST", session, `{"token":" good "}`, "Quire-Page", "1")
	if answer.status != http.StatusOK || len(answer.cookies) != 1 {
		t.Fatalf("sign in: got %d and %d cookies", answer.status, len(answer.cookies))
	}
	cookie := answer.cookies[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.MaxAge != 12*60*60 || cookie.Path != "/" {
		t.Errorf("cookie: got %+v", cookie)
	}
	if strings.Contains(cookie.Value, "good") {
		t.Error("the token can be read in the cookie")
	}
	return cookie.Name + "=" + cookie.Value
}

func TestCookieIdentifiesOurPageOnly(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	h := newHandler(t, tokens{"good": "alice"}, &now)
	cookie := signIn(t, h)
	for name, test := range map[string]struct {
		request string
		headers []string
		want    string
	}{
		"our page":                  {"GET /operations/o", []string{"Quire-Page", "1"}, "Bearer good"},
		"our page writes":           {"POST /operations/o:cancel", []string{"Quire-Page", "1", "Origin", address, "Sec-Fetch-Site", "same-origin"}, "Bearer good"},
		"without the header":        {"GET /operations/o", nil, ""},
		"cancel by GET":             {"GET /operations/o:cancel", nil, ""},
		"write without the header":  {"POST /operations/o:cancel", []string{"Origin", address}, ""},
		"another origin":            {"POST /operations/o:cancel", []string{"Quire-Page", "1", "Origin", "http://evil.test"}, ""},
		"another site":              {"GET /operations/o", []string{"Quire-Page", "1", "Sec-Fetch-Site", "cross-site"}, ""},
		"another port of the site":  {"GET /operations/o", []string{"Quire-Page", "1", "Sec-Fetch-Site", "same-site"}, ""},
		"a frame without an origin": {"POST /operations/o:cancel", []string{"Quire-Page", "1", "Origin", "null"}, ""},
		"download of a notebook":    {"GET /quire/v1/executions/e/notebook", nil, "Bearer good"},
		"download of a report":      {"GET /quire/v1/executions/e/html", nil, "Bearer good"},
		"download of a table":       {"GET /quire/v1/sweeps/s/table.csv", nil, "Bearer good"},
		"a sweep is no download":    {"GET /quire/v1/sweeps/s", nil, ""},
		"download of a file":        {"GET /quire/v1/projects/p/files/a/b.csv", nil, "Bearer good"},
		"download from elsewhere":   {"GET /quire/v1/projects/p/files/a", []string{"Sec-Fetch-Site", "cross-site"}, ""},
		"a file is deleted":         {"DELETE /quire/v1/projects/p/files/a", nil, ""},
		"a list is no download":     {"GET /quire/v1/projects/p/files", nil, ""},
		"own token":                 {"GET /operations/o", []string{"Quire-Page", "1", "Authorization", "Bearer other"}, "Bearer other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verb, path, _ := strings.Cut(test.request, " ")
			if got := serve(t, h, verb, address+path, "", append(test.headers, "Cookie", cookie)...).body; got != test.want {
				t.Errorf("called as %q, want %q", got, test.want)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	known := tokens{"good": "alice"}
	h := newHandler(t, known, &now)
	cookie := signIn(t, h)
	who := func(cookie string) int {
		answer := serve(t, h, "GET", session, "", "Quire-Page", "1", "Cookie", cookie)
		return answer.status
	}
	if got := who(cookie); got != http.StatusOK {
		t.Errorf("signed in: got %d", got)
	}
	if got := who(cookie[:len(cookie)-2]); got != http.StatusUnauthorized {
		t.Errorf("cut short: got %d, want 401", got)
	}
	delete(known, "good")
	if got := who(cookie); got != http.StatusUnauthorized {
		t.Errorf("revoked: got %d, want 401", got)
	}
	known["good"] = "alice"
	now = now.Add(12 * time.Hour)
	if got := who(cookie); got != http.StatusUnauthorized {
		t.Errorf("after its time: got %d, want 401", got)
	}
	if got := serve(t, h, "GET", address+"/operations/o", "", "Quire-Page", "1", "Cookie", cookie).body; got != "" {
		t.Errorf("after its time: called as %q", got)
	}
	out := serve(t, h, "DELETE", session, "", "Quire-Page", "1")
	if got := out.cookies; out.status != http.StatusNoContent || len(got) != 1 || got[0].MaxAge >= 0 {
		t.Errorf("sign out: got %d, %v", out.status, got)
	}
}

func TestSignInIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	h := newHandler(t, tokens{"good": "alice"}, &now)
	for name, test := range map[string]struct {
		body    string
		headers []string
		want    int
	}{
		"from another page":  {`{"token":"good"}`, nil, 403},
		"from another site":  {`{"token":"good"}`, []string{"Quire-Page", "1", "Origin", "http://evil.test"}, 403},
		"unknown token":      {`{"token":"bad"}`, []string{"Quire-Page", "1"}, 401},
		"no token":           {`{}`, []string{"Quire-Page", "1"}, 401},
		"not JSON":           {`token=good`, []string{"Quire-Page", "1"}, 400},
		"more than it takes": {`{"token":"` + strings.Repeat("x", 5000) + `"}`, []string{"Quire-Page", "1"}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := serve(t, h, "POST", session, test.body, test.headers...)
			if answer.status != test.want || len(answer.cookies) != 0 {
				t.Errorf("got %d and cookies %v, want %d and none", answer.status, answer.cookies, test.want)
			}
		})
	}
}

func TestCookieUnderTLS(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	h := newHandler(t, tokens{"good": "alice"}, &now)
	for _, request := range [][]string{
		{"https://quire.test/web/session"},
		{session, "X-Forwarded-Proto", "https"},
	} {
		answer := serve(t, h, "POST", request[0], `{"token":"good"}`, append(request[1:], "Quire-Page", "1")...)
		if got := answer.cookies; len(got) != 1 || !got[0].Secure || got[0].Name != "__Host-quire" {
			t.Errorf("%v: got %v", request, got)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	h := newHandler(t, tokens{}, &now)
	page := serve(t, h, "GET", address+"/", "", "Accept", "text/html")
	if got := page.body; !strings.Contains(got, "Quire") && page.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("page: got %.100q", got)
	}
	policy := page.header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the page's policy: got %q", policy)
	}
	frame := serve(t, h, "GET", address+"/frame.html", "")
	policy = frame.header.Get("Content-Security-Policy")
	for _, want := range []string{"sandbox allow-scripts;", "connect-src 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the frame's policy lacks %s: %q", want, policy)
		}
	}
	if strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the frame has our origin: %q", policy)
	}
	if got := serve(t, h, "GET", address+"/", "").body; got != "" {
		t.Errorf("a client that asks for no page: got %.100q, want the API's answer", got)
	}
	missing := serve(t, h, "GET", address+"/assets/../session.go", "")
	if missing.status != http.StatusNotFound {
		t.Errorf("no such asset: got %d, want 404", missing.status)
	}
}

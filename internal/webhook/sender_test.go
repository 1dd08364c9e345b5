package webhook_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/webhook"
)

var (
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	at       = time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
)

const secret = "a secret of some length"

func failed() quire.Delivery {
	return quire.Delivery{ID: "d1", Event: quire.NoticeFailure, At: at, Notice: quire.Notice{
		Execution: "e1", ProjectID: "p1", Notebook: "a<b>.ipynb", State: quire.Failed, Schedule: "s1",
		CreatedAt: at.Add(-time.Minute), StartedAt: at.Add(-3 * time.Second), FinishedAt: at,
		Failure: &quire.Failure{Kind: quire.CellFailed, Message: "ValueError <!channel>", CellID: "c", Traceback: []string{"secret"}},
	}}
}

func sender(o webhook.Options) *webhook.Sender {
	o.Now = func() time.Time { return at }
	return webhook.New(&o)
}

func TestSend(t *testing.T) {
	type got struct {
		header http.Header
		body   string
	}
	calls := make(chan got, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- got{r.Header, string(body)}
	}))
	defer server.Close()
	for _, tt := range []struct {
		format quire.NoticeFormat
		want   string
	}{
		{quire.NoticeJSON, `{"id":"d1","event":"FAILURE","time":"2026-11-24T06:30:00Z","execution":{"id":"e1","projectId":"p1","notebook":"a<b>.ipynb","state":"FAILED",` +
			`"scheduleId":"s1","createdAt":"2026-11-24T06:29:00Z","startedAt":"2026-11-24T06:29:57Z","finishedAt":"2026-11-24T06:30:00Z",` +
			`"failure":{"kind":"cell","message":"ValueError <!channel>","cellId":"c"}}}`},
		{quire.NoticeSlack, `{"text":"a&lt;b&gt;.ipynb failed (execution e1, 3s)\nValueError &lt;!channel&gt;"}`},
	} {
		status, err := sender(webhook.Options{Allow: loopback}).Send(t.Context(), quire.Webhook{URL: server.URL, Secret: secret, Format: tt.format}, failed())
		if err != nil || status != 200 {
			t.Fatalf("got %d, %v", status, err)
		}
		call := <-calls
		var a, b any
		if json.Unmarshal([]byte(call.body), &a) != nil || json.Unmarshal([]byte(tt.want), &b) != nil {
			t.Fatalf("got %s", call.body)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s (-got +want):\n%s", tt.format, diff)
		}
		if got, want := call.header.Get("Quire-Signature"), webhook.Sign(secret, at, []byte(call.body)); got != want || call.header.Get("Quire-Delivery") != "d1" {
			t.Errorf("got %q, want %q", got, want)
		}
		for name, values := range call.header {
			if strings.Contains(strings.Join(values, ""), secret) {
				t.Errorf("%s holds the secret", name)
			}
		}
	}
}

func TestSign(t *testing.T) {
	// As printf '1.{}' | openssl dgst -sha256 -hmac key says.
	const want = "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
	got := webhook.Sign("key", time.Unix(1, 0), []byte("{}"))
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, other := range []string{
		webhook.Sign("kez", time.Unix(1, 0), []byte("{}")), webhook.Sign("key", time.Unix(2, 0), []byte("{}")), webhook.Sign("key", time.Unix(1, 0), []byte("{ }")),
	} {
		if other[len(other)-64:] == got[len(got)-64:] {
			t.Errorf("%q signs something else too", got)
		}
	}
}

// What answers badly is a failure that says how, soon, and nobody is called
// that was not named.
func TestBadServers(t *testing.T) {
	var inward atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inward.Add(1) }))
	defer inside.Close()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not look whether the client is gone
		<-r.Context().Done()
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		status  int
		want    string
	}{
		{"fails", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "token=abc", http.StatusInternalServerError)
		}, 500, "it answered 500"},
		{"redirects", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
		}, 307, "redirects are not followed"},
		{"hangs", hang, 0, "did not answer in time"},
		{"closes", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, 0, "could not be reached"},
		{"large header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, 0, "could not be reached"},
		{"endless body", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			status, err := sender(webhook.Options{Allow: loopback, Timeout: time.Second}).Send(t.Context(), quire.Webhook{URL: server.URL, Secret: secret}, failed())
			if text := fmt.Sprint(err); status != tt.status || tt.want == "" && err != nil || !strings.Contains(text, tt.want) || strings.Contains(text, "abc") {
				t.Errorf("got %d, %v, want %d, %q", status, err, tt.status, tt.want)
			}
		})
	}
	if inward.Load() > 0 {
		t.Error("the redirect was followed")
	}
}

// A server that answers byte by byte does not hold a try beyond its time.
func TestSlowServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at the end
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for i := 0; ; i++ {
			<-ticker.C
			if _, err := conn.Write([]byte{"HTTP/1.1 200 OK\r\nX-Slow: "[min(i, 24)]}); err != nil {
				return // hung up on
			}
		}
	}()
	status, err := sender(webhook.Options{Allow: loopback, Timeout: 300 * time.Millisecond}).Send(
		t.Context(), quire.Webhook{URL: "http://" + listener.Addr().String(), Secret: secret}, failed())
	if status != 0 || err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("got %d, %v", status, err)
	}
	<-ended
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	server.Config.ErrorLog = nil
	hook := quire.Webhook{URL: server.URL, Secret: secret}
	if _, err := sender(webhook.Options{Allow: loopback}).Send(t.Context(), hook, failed()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want its certificate refused", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	if status, err := sender(webhook.Options{Allow: loopback, RootCAs: roots}).Send(t.Context(), hook, failed()); err != nil || status != 200 {
		t.Errorf("got %d, %v", status, err)
	}
}

// No name and no notation leads inward.
func TestForbidden(t *testing.T) {
	var called atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "0x7f.1"} {
		_, err := sender(webhook.Options{Timeout: 5 * time.Second}).Send(t.Context(), quire.Webhook{URL: "http://" + host + ":" + port, Secret: secret}, failed())
		if err == nil {
			t.Errorf("%s was called", host)
		}
	}
	if called.Load() > 0 {
		t.Errorf("the server was called %d times", called.Load())
	}
}

func TestCheck(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/64")}
	for _, tt := range []struct {
		url string
		ok  bool
	}{
		{"https://example.org/hook?a=b", true},
		{"http://8.8.8.8:8080", true},
		{"https://[2606:4700::1111]/", true},
		{"http://10.1.2.3/", true},
		{"http://[fd00:1::1]/", true},
		{"", false},
		{"example.org", false},
		{"ftp://example.org", false},
		{"file:///etc/passwd", false},
		{"https://", false},
		{"https://user:word@example.org/", false},
		{"http://10.2.0.1/", false},
		{"http://127.0.0.1/", false},
		{"http://169.254.169.254/latest/meta-data", false},
		{"http://192.168.1.1/", false},
		{"http://172.16.0.1/", false},
		{"http://100.100.100.200/", false},
		{"http://0.0.0.0/", false},
		{"http://255.255.255.255/", false},
		{"http://224.0.0.1/", false},
		{"http://[::1]/", false},
		{"http://[::]/", false},
		{"http://[::ffff:10.2.0.1]/", false},
		{"http://[64:ff9b::7f00:1]/", false},
		{"http://[2002:7f00:1::]/", false},
		{"http://[fe80::1%25eth0]/", false},
		{"http://[fd00:2::1]/", false},
	} {
		err := sender(webhook.Options{Allow: allow}).Check(tt.url)
		if (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want it taken: %t", tt.url, err, tt.ok)
		}
		if err != nil && (quire.CodeOf(err) != quire.InvalidArgument || !strings.HasPrefix(err.Error(), "url: ")) {
			t.Errorf("%s: got %v, want an error of the field", tt.url, err)
		}
	}
}

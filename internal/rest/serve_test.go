package rest_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	datasphere "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/rest"
)

// address is a served address; stop shuts it down and returns what Serve says.
type address struct {
	host string
	stop func() error
}

func serve(t *testing.T, f *fake, o *rest.ServeOptions) address {
	t.Helper()
	server, handler := newAPI(t, f, nil)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- rest.Serve(ctx, listener, rest.OneAddress(server, handler), o) }()
	stop := func() error {
		cancel()
		err := <-served
		served <- err
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return address{listener.Addr().String(), stop}
}

func dial(t *testing.T, host string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func withToken(t *testing.T) context.Context {
	t.Helper()
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer t")
}

// TestOneAddress speaks every protocol to one address, in plain text and by TLS.
func TestOneAddress(t *testing.T) {
	t.Parallel()
	certificate, pool := selfSigned(t)
	for name, test := range map[string]struct {
		options     *rest.ServeOptions
		credentials credentials.TransportCredentials
		scheme      string
		client      *tls.Config
	}{
		"plain text": {nil, insecure.NewCredentials(), "http://", nil},
		"TLS": {
			&rest.ServeOptions{TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}},
			credentials.NewClientTLSFromCert(pool, "127.0.0.1"), "https://", &tls.Config{RootCAs: pool},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := serve(t, &fake{watch: count(2)}, test.options)
			conn := dial(t, at.host, test.credentials)
			project, err := datasphere.NewProjectServiceClient(conn).Get(withToken(t), &datasphere.GetProjectRequest{ProjectId: "p"})
			if err != nil || project.GetId() != "p" {
				t.Errorf("gRPC: got %v, %v", project, err)
			}
			_, err = datasphere.NewProjectServiceClient(conn).Get(withToken(t), &datasphere.GetProjectRequest{ProjectId: "none"})
			if st := status.Convert(err); st.Code() != codes.NotFound || len(st.Details()) != 1 {
				t.Errorf("gRPC error: got %v with %v", err, st.Details())
			}
			stream, err := quirev1.NewExecutionServiceClient(conn).Watch(withToken(t), &quirev1.WatchRequest{ExecutionId: "e", After: 1})
			if err != nil {
				t.Fatal(err)
			}
			if event, err := stream.Recv(); err != nil || event.GetSeq() != 2 {
				t.Errorf("gRPC stream: got %v, %v", event, err)
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				t.Errorf("gRPC stream's end: got %v", err)
			}
			for _, major := range []int{1, 2} {
				protocols := new(http.Protocols)
				protocols.SetHTTP1(major == 1)
				protocols.SetHTTP2(major == 2 && test.client != nil)
				protocols.SetUnencryptedHTTP2(major == 2 && test.client == nil)
				transport := &http.Transport{Protocols: protocols, TLSClientConfig: test.client}
				response, err := (&http.Client{Transport: transport}).Do(newRequest(t, "GET", test.scheme+at.host+"/operations/o", nil))
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				transport.CloseIdleConnections()
				if closed := response.Body.Close(); closed != nil || err != nil || response.StatusCode != http.StatusOK || response.ProtoMajor != major || !strings.Contains(string(body), `"id":"o"`) {
					t.Errorf("REST over HTTP/%d: got %s %s, %v", major, response.Proto, body, err)
				}
			}
		})
	}
}

// TestPings: DataSphere's SDK pings while it waits. Far more pings than it
// sends, with no stream open, are all answered.
func TestPings(t *testing.T) {
	t.Parallel()
	at := serve(t, &fake{}, nil)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at.host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	const pings = 50
	for i := range pings {
		if err := framer.WritePing(false, [8]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for answered := 0; answered < pings; {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %d answers: %v", answered, err)
		}
		switch frame := frame.(type) {
		case *http2.PingFrame:
			if frame.IsAck() {
				answered++
			}
		case *http2.GoAwayFrame:
			t.Fatalf("after %d answers the server said %v %q", answered, frame.ErrCode, frame.DebugData())
		}
	}
}

// TestShutdown: streams without an end do not hold the server up, whichever
// way they came.
func TestShutdown(t *testing.T) {
	t.Parallel()
	f := &fake{watch: func(_ *quirev1.WatchRequest, stream grpc.ServerStreamingServer[quirev1.Event]) error {
		if err := stream.Send(cellStarted(1)); err != nil {
			return err
		}
		<-stream.Context().Done()
		return context.Cause(stream.Context())
	}}
	at := serve(t, f, &rest.ServeOptions{Grace: 20 * time.Millisecond})
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(newRequest(t, "GET", "http://"+at.host+"/quire/v1/executions/e/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	if !lines.Scan() || lines.Text() != "id: 1" {
		t.Fatalf("got %q", lines.Text())
	}
	stream, err := quirev1.NewExecutionServiceClient(dial(t, at.host, insecure.NewCredentials())).Watch(withToken(t), &quirev1.WatchRequest{ExecutionId: "e"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := at.stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event:") {
			t.Errorf("the end looks like a failure: %s", lines.Text())
		}
	}
	if _, err := stream.Recv(); err == nil {
		t.Error("the gRPC stream goes on")
	}
}

// TestShutdownWaits: a call that ends within the grace is answered.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	f := &fake{put: func(stream grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error {
		close(began)
		<-finish
		if stream.Context().Err() != nil {
			return context.Cause(stream.Context())
		}
		return stream.SendAndClose(&quirev1.File{Path: "x"})
	}}
	at := serve(t, f, &rest.ServeOptions{Grace: time.Minute})
	answered := make(chan error, 1)
	request := newRequest(t, "PUT", "http://"+at.host+"/quire/v1/projects/p/files/x", nil)
	go func() {
		response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
		if err == nil && response.StatusCode != http.StatusOK {
			err = errors.New(response.Status)
		}
		if err == nil {
			err = response.Body.Close()
		}
		answered <- err
	}()
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- at.stop() }()
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("the call: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "quire_test"}, func() float64 { return 1 }))
	ready := error(nil)
	server := newServer(t, &fake{}, &rest.Options{
		Metrics: registry,
		Ready:   func(context.Context) error { return ready },
	})
	for _, test := range []struct {
		ready  error
		path   string
		status int
		body   string
	}{
		{nil, "/", 200, "Quire runs Jupyter notebooks"},
		{nil, "/healthz", 200, "ok"},
		{nil, "/readyz", 200, "ready"},
		{quire.Errorf(quire.Unavailable, "open /secret: no"), "/readyz", 503, "not ready"},
		{nil, "/metrics", 200, "quire_test 1"},
		{nil, "/openapi.json", 200, `"/quire/v1/projects/{projectId}/files/{path}"`},
		{nil, "/openapi.json", 200, `"/quire/v1/executions/{executionId}/html"`},
		{nil, "/favicon.ico", 404, `"code":5`},
	} {
		ready = test.ready
		r := newRequest(t, "GET", server.URL+test.path, nil)
		r.Header.Del("Authorization")
		got := do(t, server, r)
		if got.status != test.status || !strings.Contains(got.body, test.body) || strings.Contains(got.body, "/secret") {
			t.Errorf("%s: got %d %.200s", test.path, got.status, got.body)
		}
	}
}

func TestMetricsNeedAToken(t *testing.T) {
	t.Parallel()
	server := newServer(t, &fake{}, &rest.Options{
		Metrics: prometheus.NewRegistry(),
		Authorize: func(_ context.Context, token string) error {
			if token != "good" {
				return errors.New("unknown")
			}
			return nil
		},
	})
	for authorization, want := range map[string]int{"": 401, "Basic good": 401, "Bearer bad": 401, "Bearer good": 200} {
		got := do(t, server, newRequest(t, "GET", server.URL+"/metrics", nil, "Authorization", authorization))
		if got.status != want {
			t.Errorf("%q: got %d %.200s, want %d", authorization, got.status, got.body, want)
		}
	}
}

// FuzzRequest: whatever the path and the query, the answer is one of ours.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"/", "/datasphere/v2/projects/p", "/datasphere/v2/projects?pageSize=1", "/operations/o:cancel", "//", "/..", "/a%2fb",
		"/quire/v1/projects/p/files/../x", "/quire/v1/projects/p/files/", "/datasphere/v2/projects/:", "/datasphere/v2/projects?update_mask=a,,",
		"/quire/v1/projects/p/executions?state=1&state=2&a[b]=c", "/quire/v1/projects/p/files/x?%00=%ff",
	} {
		f.Add("GET", seed, "")
		f.Add("POST", seed, `{"updateMask":"a"}`)
	}
	f.Add("PATCH", "/datasphere/v2/projects/p", `{"update_mask":"_,a_b_","name":null}`)
	server := newServer(f, &fake{
		watch: count(1),
		put:   (&putter{}).put,
		get:   nothing,
	}, nil)
	f.Fuzz(func(t *testing.T, verb, target, body string) {
		r, err := http.NewRequestWithContext(t.Context(), verb, server.URL+target, strings.NewReader(body))
		if err != nil || r.URL.Host != strings.TrimPrefix(server.URL, "http://") {
			t.Skip()
		}
		r.Header.Set("Authorization", "Bearer t")
		response, err := server.Client().Transport.RoundTrip(r)
		if err != nil {
			t.Skip() // not HTTP
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Errorf("read the answer: %v", err)
		}
		if response.StatusCode >= http.StatusInternalServerError && response.StatusCode != http.StatusNotImplemented {
			t.Errorf("%s %s: %s", verb, target, response.Status)
		}
	})
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

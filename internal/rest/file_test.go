package rest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

// putter notes what a Put brings.
type putter struct {
	first  *quirev1.PutFileRequest
	digest hash.Hash
	size   int64
	heap   uint64 // the most that was seen
}

func (p *putter) put(stream grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error {
	p.digest = sha256.New()
	for n := 0; ; n++ {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&quirev1.File{Path: p.first.GetPath(), Size: p.size})
		}
		if err != nil {
			return err
		}
		if n == 0 {
			p.first = message
		}
		p.digest.Write(message.GetContent().GetData())
		p.size += int64(len(message.GetContent().GetData()))
		if n%100 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			p.heap = max(p.heap, m.HeapAlloc)
		}
	}
}

// zeros is n bytes that are the same every time and not held in memory.
func zeros(n int64) io.Reader { return io.LimitReader(repeat("0123456789abcde"), n) }

type repeat string

func (s repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], s)
	}
	return n, nil
}

// TestPutLarge is not parallel to the others, whose memory is not its own.
func TestPutLarge(t *testing.T) {
	const size = 200<<20 + 7
	p := &putter{}
	server := newServer(t, &fake{put: p.put}, nil)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	got := do(t, server, newRequest(t, "PUT", server.URL+"/quire/v1/projects/p/files/a%20b/../c%252F", zeros(size), "Content-Type", "text/x"))
	if want := `{"path":"a b/../c%2F","size":"209715207"}`; got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %s, want %s", got.status, got.body, want)
	}
	if got := p.first; got.GetProjectId() != "p" || got.GetContent().GetContentType() != "text/x" {
		t.Errorf("first message: %v", got)
	}
	want := sha256.New()
	if _, err := io.Copy(want, zeros(size)); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(p.digest.Sum(nil)); got != hex.EncodeToString(want.Sum(nil)) {
		t.Error("other bytes arrived than were sent")
	}
	if grown := int64(p.heap) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestPutEmpty(t *testing.T) {
	t.Parallel()
	p := &putter{}
	server := newServer(t, &fake{put: p.put}, nil)
	got := do(t, server, newRequest(t, "PUT", server.URL+"/quire/v1/projects/p/files/empty", nil))
	if got.status != http.StatusOK || got.body != `{"path":"empty","size":"0"}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestPutRefused: the refusal comes at once, not after the body.
func TestPutRefused(t *testing.T) {
	t.Parallel()
	f := &fake{put: func(grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error {
		return quire.Invalid("path", "must stay in the project")
	}}
	server := newServer(t, f, nil)
	endless, writer := io.Pipe()
	go func() { _, _ = io.Copy(writer, repeat("x")) }()
	defer endless.Close()
	got := do(t, server, newRequest(t, "PUT", server.URL+"/quire/v1/projects/p/files/../x", endless))
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "path: must stay in the project") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestPutCut: the service must see that the body is not complete.
func TestPutCut(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	f := &fake{put: func(stream grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error {
		for {
			if _, err := stream.Recv(); err != nil {
				ended <- err
				return err
			}
		}
	}}
	server := newServer(t, f, nil)
	cut := io.MultiReader(zeros(1<<20), iotestErrReader{errors.New("the cable is out")})
	if _, err := server.Client().Do(newRequest(t, "PUT", server.URL+"/quire/v1/projects/p/files/x", cut)); err == nil { //nolint:bodyclose // there is none
		t.Error("the client was answered")
	}
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("the service saw %v, want a cancelled call", err)
	}
}

type iotestErrReader struct{ err error }

func (r iotestErrReader) Read([]byte) (int, error) { return 0, r.err }

func TestGetFile(t *testing.T) {
	t.Parallel()
	about := func(size int64) []*anypb.Any {
		a, err := anypb.New(&quirev1.File{Size: size, ModifiedAt: timestamppb.New(created)})
		if err != nil {
			t.Fatal(err)
		}
		return []*anypb.Any{a}
	}
	pieces := func(pieces ...*httpbody.HttpBody) func(*quirev1.GetFileRequest, grpc.ServerStreamingServer[httpbody.HttpBody]) error {
		return func(_ *quirev1.GetFileRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
			for _, p := range pieces {
				if err := stream.Send(p); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for name, test := range map[string]struct {
		path    string
		get     func(*quirev1.GetFileRequest, grpc.ServerStreamingServer[httpbody.HttpBody]) error
		status  int
		body    string
		headers map[string]string
	}{
		"announced": {
			path: "d/Q%C3%BC.html", get: pieces(&httpbody.HttpBody{Extensions: about(4)}, &httpbody.HttpBody{Data: []byte("ab")}, &httpbody.HttpBody{Data: []byte("cd")}),
			status: 200, body: "abcd", headers: map[string]string{
				"Content-Length": "4", "Content-Type": "text/html; charset=utf-8", "Last-Modified": created.Format(http.TimeFormat),
				"Content-Disposition": "attachment; filename*=utf-8''Q%C3%BC.html", "X-Content-Type-Options": "nosniff",
			},
		},
		"empty":    {path: "x", get: pieces(&httpbody.HttpBody{Extensions: about(0)}), status: 200, headers: map[string]string{"Content-Length": "0", "Content-Type": "application/octet-stream"}},
		"nothing":  {path: "x", get: pieces(), status: 200},
		"notebook": {path: "n.ipynb", get: pieces(&httpbody.HttpBody{Data: []byte("{}")}), status: 200, body: "{}", headers: map[string]string{"Content-Type": "application/x-ipynb+json"}},
		"its type": {path: "n.ipynb", get: pieces(&httpbody.HttpBody{ContentType: "a/b"}), status: 200, headers: map[string]string{"Content-Type": "a/b"}},
		"missing": {
			path: "x", status: 404, headers: map[string]string{"Content-Type": "application/json", "Content-Disposition": ""},
			get: func(*quirev1.GetFileRequest, grpc.ServerStreamingServer[httpbody.HttpBody]) error {
				return quire.Errorf(quire.NotFound, "no such file")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, &fake{get: test.get}, nil)
			got := do(t, server, newRequest(t, "GET", server.URL+"/quire/v1/projects/p/files/"+test.path, nil))
			if got.status != test.status || test.body != "" && got.body != test.body {
				t.Errorf("got %d %q", got.status, got.body)
			}
			for name, want := range test.headers {
				if got := got.header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestGetCut: what is missing at the end must not look complete.
func TestGetCut(t *testing.T) {
	t.Parallel()
	f := &fake{get: func(_ *quirev1.GetFileRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
		if err := stream.Send(&httpbody.HttpBody{Data: []byte("half")}); err != nil {
			return err
		}
		return errors.New("read: input/output error")
	}}
	server := newServer(t, f, nil)
	response, err := server.Client().Do(newRequest(t, "GET", server.URL+"/quire/v1/projects/p/files/x", nil))
	if err != nil {
		return // cut before the header was out
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("got all of %q", body)
	}
}

// nothing is an empty file of which nothing is known.
func nothing(*quirev1.GetFileRequest, grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	return nil
}

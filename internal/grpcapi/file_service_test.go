package grpcapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	datasphere1 "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"

	quirev1 "quire/internal/gen/quire/v1"
)

func putRequest(project, path, content string) *quirev1.PutFileRequest {
	return &quirev1.PutFileRequest{ProjectId: project, Path: path, Content: &httpbody.HttpBody{Data: []byte(content)}}
}

// large is more than a few chunks, and no multiple of one.
var large = strings.Repeat("0123456789abcdef", 50_000) + "end"

// get downloads a file by Quire's own service.
func (a *api) get(ctx context.Context, path string) (content []byte, about *quirev1.File, err error) {
	stream, err := a.files.Get(ctx, &quirev1.GetFileRequest{ProjectId: a.project, Path: path})
	if err != nil {
		return nil, nil, err
	}
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return content, about, nil
		}
		if err != nil {
			return nil, nil, err
		}
		content = append(content, piece.GetData()...)
		for _, extension := range piece.GetExtensions() {
			about = &quirev1.File{}
			if err := extension.UnmarshalTo(about); err != nil {
				return nil, nil, err
			}
		}
	}
}

func TestFiles(t *testing.T) {
	a := newAPI(t)
	stream, err := a.files.Put(known(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range []string{large[:100], "", large[100:500_000], large[500_000:]} {
		req := putRequest("", "", part)
		if i == 0 {
			req.ProjectId, req.Path = a.project, "data/large.bin"
		}
		if err := stream.Send(req); err != nil {
			t.Fatal(err)
		}
	}
	file, err := stream.CloseAndRecv()
	if err != nil || file.GetPath() != "data/large.bin" || file.GetSize() != int64(len(large)) || !file.GetModifiedAt().IsValid() {
		t.Fatalf("got %v, %v, want the file", file, err)
	}
	a.put(t, "data/empty", "")

	t.Run("get", func(t *testing.T) {
		content, about, err := a.get(known(t), "data/large.bin")
		if err != nil || string(content) != large || about.GetSize() != int64(len(large)) || about.GetPath() != "data/large.bin" {
			t.Errorf("got %d bytes of %v, %v, want what was put", len(content), about, err)
		}
		content, about, err = a.get(known(t), "data/empty")
		if err != nil || len(content) != 0 || about.GetPath() != "data/empty" {
			t.Errorf("got %q of %v, %v, want nothing", content, about, err)
		}
		_, _, err = a.get(known(t), "data/none")
		wantStatus(t, err, codes.NotFound, "path", "data/none")
		_, _, err = a.get(known(t), "../x")
		wantStatus(t, err, codes.InvalidArgument, "path", "leaves")
	})
	t.Run("list", func(t *testing.T) {
		var got []string
		req := &quirev1.ListFilesRequest{ProjectId: a.project, Prefix: "data/", PageSize: 1}
		for {
			list, err := a.files.List(known(t), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range list.GetFiles() {
				got = append(got, f.GetPath())
			}
			if req.PageToken = list.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if strings.Join(got, " ") != "data/empty data/large.bin" {
			t.Errorf("got %v, want both in order", got)
		}
		_, err := a.files.List(known(t), &quirev1.ListFilesRequest{ProjectId: "nope"})
		wantStatus(t, err, codes.NotFound, "", "nope")
		_, err = a.files.List(known(t), &quirev1.ListFilesRequest{ProjectId: a.project, PageSize: -1})
		wantStatus(t, err, codes.InvalidArgument, "page_size", "")
	})
	t.Run("delete", func(t *testing.T) {
		req := &quirev1.DeleteFileRequest{ProjectId: a.project, Path: "data/empty"}
		if _, err := a.files.Delete(known(t), req); err != nil {
			t.Fatal(err)
		}
		_, err := a.files.Delete(known(t), req)
		wantStatus(t, err, codes.NotFound, "path", "data/empty")
	})
}

func TestPutRefused(t *testing.T) {
	a := newAPI(t)
	put := func(ctx context.Context, requests ...*quirev1.PutFileRequest) error {
		stream, err := a.files.Put(ctx)
		if err != nil {
			return err
		}
		for _, req := range requests {
			if err := stream.Send(req); err != nil {
				break // the server has answered
			}
		}
		_, err = stream.CloseAndRecv()
		return err
	}
	wantStatus(t, put(known(t)), codes.NotFound, "", "project")
	wantStatus(t, put(known(t), putRequest("nope", "a", "")), codes.NotFound, "", "nope")
	wantStatus(t, put(known(t), putRequest(a.project, "", "")), codes.InvalidArgument, "path", "")
	wantStatus(t, put(known(t), putRequest(a.project, "a/../../b", "")), codes.InvalidArgument, "path", "leaves")
	wantStatus(t, put(known(t), putRequest(a.project, "sales.ipynb", "x"), putRequest("", "other", "y")), codes.InvalidArgument, "path", "first message")
	wantStatus(t, put(t.Context(), putRequest(a.project, "sales.ipynb", "x")), codes.Unauthenticated, "", "")
	if content, _, err := a.get(known(t), "sales.ipynb"); err != nil || string(content) != sales {
		t.Errorf("got %q, %v, want the file as it was", content, err)
	}
}

func TestProjectData(t *testing.T) {
	a := newAPI(t)
	about := func(path string, size int) *datasphere1.UploadFileRequest {
		return &datasphere1.UploadFileRequest{Message: &datasphere1.UploadFileRequest_Metadata{
			Metadata: &datasphere1.FileMetadata{ProjectId: a.project, Path: path, SizeBytes: int64(size)},
		}}
	}
	chunk := func(text string) *datasphere1.UploadFileRequest {
		return &datasphere1.UploadFileRequest{Message: &datasphere1.UploadFileRequest_Chunk{Chunk: []byte(text)}}
	}
	upload := func(t *testing.T, requests ...*datasphere1.UploadFileRequest) (*datasphere1.UploadFileResponse, error) {
		t.Helper()
		stream, err := a.data.UploadFile(known(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, req := range requests {
			if err := stream.Send(req); err != nil {
				break // the server has answered
			}
		}
		return stream.CloseAndRecv()
	}
	for name, size := range map[string]int{"of known size": len(large), "of unknown size": 0} {
		t.Run(name, func(t *testing.T) {
			const path = "/home/jupyter/datasphere/project/up/large.bin"
			got, err := upload(t, about(path, size), chunk(large[:7]), chunk(large[7:]))
			if m := got.GetMetadata(); err != nil || m.GetProjectId() != a.project || m.GetPath() != "up/large.bin" || m.GetSizeBytes() != int64(len(large)) {
				t.Fatalf("got %v, %v, want what was sent", got, err)
			}
			stream, err := a.data.DownloadFile(known(t), &datasphere1.DownloadFileRequest{ProjectId: a.project, FilePath: path})
			if err != nil {
				t.Fatal(err)
			}
			first, err := stream.Recv()
			if m := first.GetMetadata(); err != nil || m.GetSizeBytes() != int64(len(large)) || m.GetPath() != "up/large.bin" {
				t.Fatalf("got %v, %v, want the metadata first", first, err)
			}
			var content bytes.Buffer
			for {
				piece, err := stream.Recv()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				content.Write(piece.GetChunk())
			}
			if content.String() != large {
				t.Errorf("got %d bytes, want what was sent", content.Len())
			}
		})
	}
	for name, tt := range map[string]struct {
		requests []*datasphere1.UploadFileRequest
		field    string
	}{
		"nothing":         {nil, "metadata"},
		"no metadata":     {[]*datasphere1.UploadFileRequest{chunk("x")}, "metadata"},
		"metadata twice":  {[]*datasphere1.UploadFileRequest{about("sales.ipynb", 0), about("sales.ipynb", 0)}, "metadata"},
		"too short":       {[]*datasphere1.UploadFileRequest{about("sales.ipynb", 5), chunk("xxxx")}, "metadata.size_bytes"},
		"too long":        {[]*datasphere1.UploadFileRequest{about("sales.ipynb", 5), chunk("xxxxxx")}, "metadata.size_bytes"},
		"out of the file": {[]*datasphere1.UploadFileRequest{about("../x", 0), chunk("x")}, "path"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := upload(t, tt.requests...)
			wantStatus(t, err, codes.InvalidArgument, tt.field, "")
		})
	}
	if content, _, err := a.get(known(t), "sales.ipynb"); err != nil || string(content) != sales {
		t.Errorf("got %q, %v, want the file as it was", content, err)
	}
	stream, err := a.data.DownloadFile(known(t), &datasphere1.DownloadFileRequest{ProjectId: a.project, FilePath: "none"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantStatus(t, err, codes.NotFound, "path", "none")
}

package rest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	quirev1 "quire/internal/gen/quire/v1"
)

const (
	chunkBytes   = 256 << 10
	notebookType = "application/x-ipynb+json"
)

// putFile writes the body, of any length, to a file. A body that ends too
// early cancels the call, so that the file is left as it was.
func (h *Handler) putFile(w http.ResponseWriter, r *http.Request, params map[string]string) {
	ctx, err := outgoing(w, r)
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := h.files.Put(ctx)
	if err != nil {
		h.fail(w, err)
		return
	}
	content := &httpbody.HttpBody{}
	if given := r.Header.Get("Content-Type"); utf8.ValidString(given) {
		content.ContentType = given
	}
	first := &quirev1.PutFileRequest{ProjectId: params["project_id"], Path: params["path"], Content: content}
	if err := upload(stream, first, newPatientBody(w, r.Body)); err != nil {
		h.fail(w, err)
		return
	}
	file, err := stream.CloseAndRecv()
	if header, headerErr := stream.Header(); headerErr == nil {
		copyHeader(w, header)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.write(w, http.StatusOK, file)
}

// upload sends first and then the body in pieces. It ends without an error
// also when the server wants no more, whose answer then says why.
func upload(stream grpc.ClientStreamingClient[quirev1.PutFileRequest, quirev1.File], first *quirev1.PutFileRequest, body io.Reader) error {
	next := first
	buffer := make([]byte, chunkBytes)
	for {
		if err := stream.Send(next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		n, err := io.ReadAtLeast(body, buffer, 1)
		if n == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return status.Error(codes.InvalidArgument, "the body ended before it was complete; nothing is written")
		}
		next = &quirev1.PutFileRequest{Content: &httpbody.HttpBody{Data: buffer[:n]}}
	}
}

func (h *Handler) getFile(w http.ResponseWriter, r *http.Request, params map[string]string) {
	h.download(w, r, path.Base(params["path"]), func(ctx context.Context) (bodyStream, error) {
		return h.files.Get(ctx, &quirev1.GetFileRequest{ProjectId: params["project_id"], Path: params["path"]})
	})
}

func (h *Handler) getNotebook(w http.ResponseWriter, r *http.Request, params map[string]string) {
	id := params["execution_id"]
	h.download(w, r, id+".ipynb", func(ctx context.Context) (bodyStream, error) {
		return h.executions.GetNotebook(ctx, &quirev1.GetNotebookRequest{ExecutionId: id})
	})
}

type bodyStream = grpc.ServerStreamingClient[httpbody.HttpBody]

// download answers with the bytes of a stream, as a file of the given name. It
// is a download in a browser too: a page of a project's must not run as ours.
func (h *Handler) download(w http.ResponseWriter, r *http.Request, name string, open func(context.Context) (bodyStream, error)) {
	ctx, err := outgoing(w, r)
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := open(ctx)
	if err != nil {
		h.fail(w, err)
		return
	}
	piece, err := stream.Recv()
	if header, headerErr := stream.Header(); headerErr == nil {
		copyHeader(w, header)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		h.fail(w, err)
		return
	}
	describe(w.Header(), name, piece)
	out := newPatientWriter(w)
	defer out.lift()
	for ; err == nil; piece, err = stream.Recv() {
		if _, writeErr := out.Write(piece.GetData()); writeErr != nil {
			return // the client is gone
		}
	}
	if !errors.Is(err, io.EOF) {
		h.options.Logger.Warn("download cut short", "code", status.Code(err).String())
		// The status is sent: a broken connection is the only way to say that
		// the rest is missing.
		panic(http.ErrAbortHandler)
	}
}

// describe sets the headers of a download. The first piece holds its type,
// where the service knows that, and among the extensions the quire.v1.File.
func describe(header http.Header, name string, first *httpbody.HttpBody) {
	header.Set("Content-Type", contentType(name, first.GetContentType()))
	if disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name}); disposition != "" {
		header.Set("Content-Disposition", disposition)
	} else {
		header.Set("Content-Disposition", "attachment")
	}
	for _, extension := range first.GetExtensions() {
		var file quirev1.File
		if extension.UnmarshalTo(&file) != nil {
			continue
		}
		header.Set("Content-Length", strconv.FormatInt(file.GetSize(), 10))
		if file.GetModifiedAt().IsValid() {
			header.Set("Last-Modified", file.GetModifiedAt().AsTime().Format(http.TimeFormat))
		}
	}
}

func contentType(name, given string) string {
	if given != "" {
		return given
	}
	extension := path.Ext(name)
	if extension == ".ipynb" {
		return notebookType
	}
	if byExtension := mime.TypeByExtension(extension); byExtension != "" {
		return byExtension
	}
	return "application/octet-stream"
}

package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/report"
	"quire/nbformat"
)

const (
	// maxReported bounds the notebook that a report is made of: it is held whole.
	maxReported = 128 << 20
	maxReports  = 2 // at a time; the rest wait
)

// getReport answers with the executed notebook as a page of its own. The
// policy lets it do nothing here that it could not do in a mail.
func (h *Handler) getReport(w http.ResponseWriter, r *http.Request, params map[string]string) {
	hide := false
	switch code := r.URL.Query().Get("code"); code {
	case "", "show":
	case "hide":
		hide = true
	default:
		h.fail(w, invalid("code", "must be show or hide"))
		return
	}
	ctx, err := outgoing(w, r)
	if err != nil {
		h.fail(w, err)
		return
	}
	select {
	case h.reports <- struct{}{}:
		defer func() { <-h.reports }()
	case <-ctx.Done():
		return
	}
	e, err := h.executions.Get(ctx, &quirev1.GetExecutionRequest{ExecutionId: params["execution_id"]})
	if err != nil {
		h.fail(w, err)
		return
	}
	nb, err := h.executedNotebook(ctx, e.GetId())
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox allow-popups; "+report.Policy)
	w.Header().Set("Cache-Control", "no-store")
	out := newPatientWriter(w)
	defer out.lift()
	if err := report.Write(out, nb, &report.Options{Title: e.GetNotebook(), HideCode: hide}); err != nil {
		h.options.Logger.Debug("send a report", "err", err)
	}
}

func (h *Handler) executedNotebook(ctx context.Context, id string) (*nbformat.Notebook, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := h.executions.GetNotebook(ctx, &quirev1.GetNotebookRequest{ExecutionId: id})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for b.Len() <= maxReported {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			nb, err := nbformat.Parse(b.Bytes())
			if err != nil {
				h.options.Logger.Error("read an executed notebook", "execution_id", id, "err", err)
				return nil, status.Error(codes.Internal, "internal error")
			}
			return nb, nil
		}
		if err != nil {
			return nil, err
		}
		b.Write(piece.GetData())
	}
	return nil, status.Error(codes.FailedPrecondition, "the notebook is larger than 128 MiB: too large for a report; fetch the notebook itself")
}

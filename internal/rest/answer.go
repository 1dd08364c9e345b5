package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// httpError is an error whose HTTP status is not the one of its code.
type httpError struct {
	httpStatus int
	status     *status.Status
}

func (e *httpError) Error() string { return e.status.Message() }

// GRPCStatus returns what the answer's body says.
func (e *httpError) GRPCStatus() *status.Status { return e.status }

var errBodyTooLarge = &httpError{
	http.StatusRequestEntityTooLarge,
	status.New(codes.InvalidArgument, "the body is larger than 4 MiB"),
}

// marshal writes proto JSON on one line. Zero values are written, for a cell's
// index of 0 is an index; compacting takes out white space that the library
// puts in at random.
func marshal(m proto.Message) ([]byte, error) {
	loose, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Compact(&b, loose)
	return b.Bytes(), err
}

// write sends a message as JSON, and an HttpBody as the bytes that it holds.
func (h *Handler) write(w http.ResponseWriter, httpStatus int, m proto.Message) {
	if raw, ok := m.(*httpbody.HttpBody); ok {
		w.Header().Set("Content-Type", raw.GetContentType())
		w.WriteHeader(httpStatus)
		if _, err := w.Write(raw.GetData()); err != nil {
			h.options.Logger.Debug("send an answer", "err", err)
		}
		return
	}
	body, err := marshal(m)
	if err != nil {
		h.options.Logger.Error("write an answer as JSON", "err", err)
		h.fail(w, status.Error(codes.Internal, "internal error"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(httpStatus)
	if _, err := w.Write(append(body, '\n')); err != nil {
		h.options.Logger.Debug("send an answer", "err", err)
	}
}

// fail answers with an error, before anything else was written.
func (h *Handler) fail(w http.ResponseWriter, err error) {
	st := identified(w.Header(), status.Convert(err))
	httpStatus := runtime.HTTPStatusFromCode(st.Code())
	if e, ok := errors.AsType[*httpError](err); ok {
		httpStatus = e.httpStatus
	}
	if st.Code() == codes.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	body, err := marshal(st.Proto())
	if err != nil {
		// A detail of a type that is not linked in: the rest says enough.
		bare := st.Proto()
		bare.Details = nil
		body, _ = marshal(bare)
	}
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(httpStatus)
	if _, err := w.Write(append(body, '\n')); err != nil {
		h.options.Logger.Debug("send an error", "err", err)
	}
}

// identified gives an error that no gRPC method has seen the ids that all
// answers have.
func identified(header http.Header, st *status.Status) *status.Status {
	if header.Get(requestIDHeader) == "" {
		header.Set(requestIDHeader, uuid.NewString())
	}
	for _, detail := range st.Details() {
		if _, ok := detail.(*errdetails.RequestInfo); ok {
			return st
		}
	}
	if detailed, err := st.WithDetails(&errdetails.RequestInfo{RequestId: header.Get(requestIDHeader)}); err == nil {
		return detailed
	}
	return st
}

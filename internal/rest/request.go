package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const maxBodyBytes = 4 << 20

func messageOf(d protoreflect.MessageDescriptor) (protoreflect.MessageType, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, fmt.Errorf("find the type %s: %w", d.FullName(), err)
	}
	return t, nil
}

// read fills message from the body, the query and the path, which wins.
func (r route) read(w http.ResponseWriter, req *http.Request, path map[string]string, message proto.Message) error {
	if r.body != "" {
		body, err := readBody(w, req)
		if err != nil {
			return err
		}
		if err := r.readBody(body, message); err != nil {
			return err
		}
	}
	if err := r.readQuery(req.URL, path, message); err != nil {
		return err
	}
	for name, value := range path {
		if err := runtime.PopulateFieldFromPath(message, name, value); err != nil {
			return invalid(name, "%v", err)
		}
	}
	normaliseMasks(message)
	return nil
}

func readBody(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, newPatientBody(w, req.Body), maxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "the body ended before it was complete")
	}
	return bytes.TrimSpace(body), nil
}

func (r route) readBody(body []byte, message proto.Message) error {
	if len(body) == 0 {
		return nil // as good as {}: the documentation's examples send none
	}
	target := message
	if r.body != "*" {
		field := message.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(r.body))
		target = message.ProtoReflect().Mutable(field).Message().Interface()
	}
	body, err := camelMasks(body, target.ProtoReflect().Descriptor())
	if err == nil {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, target)
	}
	if err != nil {
		return status.Error(codes.InvalidArgument, "the body is not the JSON that this request takes: "+plain(err))
	}
	return nil
}

// readQuery leaves out what the path binds and, where there is a body, what
// the body binds; an update_mask may be in either.
func (r route) readQuery(u *url.URL, path map[string]string, message proto.Message) error {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return status.Error(codes.InvalidArgument, "the query is not well encoded")
	}
	for name, given := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(given, func(v string) bool { return !utf8.ValidString(v) }) {
			return status.Error(codes.InvalidArgument, "the query must be UTF-8")
		}
	}
	if r.body == "*" {
		for name := range values {
			if name != "update_mask" && name != "updateMask" {
				delete(values, name)
			}
		}
	}
	bound := make([][]string, 0, len(path)+1)
	for name := range path {
		bound = append(bound, strings.Split(name, "."))
	}
	if r.body != "" && r.body != "*" {
		bound = append(bound, []string{r.body})
	}
	if err := runtime.PopulateQueryParameters(message, values, utilities.NewDoubleArray(bound)); err != nil {
		return status.Error(codes.InvalidArgument, "the query is not what this request takes: "+plain(err))
	}
	return nil
}

// invalid returns the error for a field that cannot be read.
func invalid(field, format string, args ...any) error {
	violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)}
	st := status.Newf(codes.InvalidArgument, "%s: %s", field, violation.GetDescription())
	if detailed, err := st.WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{violation},
	}); err == nil {
		st = detailed
	}
	return st.Err()
}

// plain strips a library's prefix, which it writes with a no-break space at random.
func plain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

// camelMasks puts the field masks of a JSON body into lowerCamelCase, the one
// notation that proto JSON reads.
func camelMasks(body []byte, d protoreflect.MessageDescriptor) ([]byte, error) {
	var names []string
	for _, field := range masksOf(d) {
		names = append(names, string(field.Name()), field.JSONName())
	}
	if len(names) == 0 {
		return body, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	for _, name := range names {
		var mask string
		if json.Unmarshal(members[name], &mask) != nil {
			continue
		}
		camel, err := json.Marshal(camelMask(mask))
		if err != nil {
			return nil, err
		}
		members[name] = camel
	}
	return json.Marshal(members)
}

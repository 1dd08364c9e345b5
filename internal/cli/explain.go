package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// explain puts an error of a call to the server into words for a person, and an
// interruption into its exit status.
func (c *client) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if i := interrupted(ctx); i != nil {
		if end, ok := errors.AsType[*exitError](err); ok {
			return &exitError{i.status(), end.message}
		}
		return &exitError{i.status(), "interrupted"}
	}
	st, ok := callStatus(err)
	if !ok {
		return err
	}
	answered, request := answer(st)
	switch {
	case !answered && st.Code() == codes.Unavailable && c.secure:
		return fmt.Errorf("no server answers at %s with TLS and a certificate that is trusted: start one with --tls-cert, or name who signed it with --tls-ca", c.address)
	case !answered && st.Code() == codes.Unavailable:
		return fmt.Errorf("no server answers at %s: start one with quire serve, or name it with --address or %s", c.address, addressVariable)
	case st.Code() == codes.Internal || st.Code() == codes.Unknown:
		if request == "" {
			return fmt.Errorf("the server at %s does not speak as expected; is it quire? (%s)", c.address, st.Message())
		}
		return fmt.Errorf("the server had a fault of its own; its log says more under the request id %s", request)
	}
	return errors.New(inOwnWords(st))
}

// flags are the command line's names of a request's fields; an empty one needs
// no name, because the message has it.
var flags = map[string]string{
	"project_id":            "--project",
	"spec":                  "--spec",
	"input_variables":       "-v",
	"output_variable_names": "--output-variable",
	"notebook_id":           "",
	"cell_id":               "",
	"path":                  "",
	"execution_id":          "",
	"policy.priority":       "--priority",
	"policy.max_attempts":   "--max-attempts",
	"policy.keep_for":       "--keep-for",
}

// inOwnWords returns the server's message with the name of a flag where it has
// that of a request's field.
func inOwnWords(st *status.Status) string {
	for _, detail := range st.Details() {
		bad, ok := detail.(*errdetails.BadRequest)
		if !ok || len(bad.GetFieldViolations()) != 1 {
			continue
		}
		violation := bad.GetFieldViolations()[0]
		if flag, ok := flags[violation.GetField()]; ok {
			return strings.TrimPrefix(flag+": "+violation.GetDescription(), ": ")
		}
	}
	return st.Message()
}

// callStatus returns the status that a call of the server ended with.
func callStatus(err error) (*status.Status, bool) {
	failed, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	if !ok {
		return nil, false
	}
	return failed.GRPCStatus(), true
}

// answer reports whether the server itself gave the status, with the id of the
// request in its log.
func answer(st *status.Status) (answered bool, request string) {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RequestInfo); ok {
			return true, info.GetRequestId()
		}
	}
	return false, ""
}

// transient reports whether the same call may succeed a little later.
func transient(err error) bool {
	st, ok := callStatus(err)
	return ok && st.Code() == codes.Unavailable
}

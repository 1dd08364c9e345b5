package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// route is one HTTP binding of a unary gRPC method.
type route struct {
	verb, path, body string
	method           protoreflect.MethodDescriptor
}

// alsoAt holds bindings that the documentation promises and the descriptors
// lack: cancelling is a POST in the design guide, and a project is opened in
// both notations.
var alsoAt = map[protoreflect.FullName]*annotations.HttpRule{
	"yandex.cloud.operation.OperationService.Cancel": {
		Pattern: &annotations.HttpRule_Post{Post: "/operations/{operation_id}:cancel"},
	},
	"yandex.cloud.datasphere.v2.ProjectService.Open": {
		Pattern: &annotations.HttpRule_Post{Post: "/datasphere/v2/projects/{project_id}:open"}, Body: "*",
	},
}

// routesOf returns the bindings of the services' unary methods, the more
// specific after the less: the mux asks the last one first.
func routesOf(services []protoreflect.ServiceDescriptor) ([]route, error) {
	var routes []route
	for _, service := range services {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			if method.IsStreamingClient() || method.IsStreamingServer() {
				continue
			}
			for _, rule := range rulesOf(method) {
				r, err := newRoute(method, rule)
				if err != nil {
					return nil, err
				}
				routes = append(routes, r)
			}
		}
	}
	slices.SortStableFunc(routes, func(a, b route) int {
		return cmp.Or(
			cmp.Compare(strings.Count(b.path, "{"), strings.Count(a.path, "{")),
			cmp.Compare(strings.Count(a.path, ":"), strings.Count(b.path, ":")),
		)
	})
	return routes, nil
}

func rulesOf(method protoreflect.MethodDescriptor) []*annotations.HttpRule {
	var rules []*annotations.HttpRule
	if rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule); rule != nil {
		rules = append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...)
	}
	if rule := alsoAt[method.FullName()]; rule != nil {
		rules = append(rules, rule)
	}
	return rules
}

func newRoute(method protoreflect.MethodDescriptor, rule *annotations.HttpRule) (route, error) {
	r := route{body: rule.GetBody(), method: method}
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		r.verb, r.path = http.MethodGet, p.Get
	case *annotations.HttpRule_Put:
		r.verb, r.path = http.MethodPut, p.Put
	case *annotations.HttpRule_Post:
		r.verb, r.path = http.MethodPost, p.Post
	case *annotations.HttpRule_Patch:
		r.verb, r.path = http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		r.verb, r.path = http.MethodDelete, p.Delete
	default:
		return route{}, fmt.Errorf("bind %s: no HTTP verb", method.FullName())
	}
	return r, nil
}

// serve answers a request by calling the route's method.
func (h *Handler) serve(r route) (runtime.HandlerFunc, error) {
	in, err := messageOf(r.method.Input())
	if err != nil {
		return nil, err
	}
	out, err := messageOf(r.method.Output())
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("/%s/%s", r.method.Parent().FullName(), r.method.Name())
	return func(w http.ResponseWriter, req *http.Request, path map[string]string) {
		message, answer := in.New().Interface(), out.New().Interface()
		if err := r.read(w, req, path, message); err != nil {
			h.fail(w, err)
			return
		}
		ctx, err := outgoing(w, req)
		if err != nil {
			h.fail(w, err)
			return
		}
		var header metadata.MD
		err = h.conn.Invoke(ctx, name, message, answer, grpc.Header(&header))
		copyHeader(w, header)
		if err != nil {
			h.fail(w, err)
			return
		}
		h.write(w, http.StatusOK, answer)
	}, nil
}

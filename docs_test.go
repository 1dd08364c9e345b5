package quire_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"quire/internal/gen/openapi"
	"quire/internal/grpcapi"
	"quire/internal/testenv"
)

var update = flag.Bool("update", false, "write the table of docs/api.md anew")

// TestEveryDependencyIsExplained reads each go.mod of the repository: what it
// requires directly has a line of its own in docs/dependencies.md.
func TestEveryDependencyIsExplained(t *testing.T) {
	root := testenv.RepoRoot(t)
	doc := read(t, filepath.Join(root, "docs", "dependencies.md"))
	mods := []string{filepath.Join(root, "go.mod"), filepath.Join(root, "tools", "go.mod")}
	tests, err := filepath.Glob(filepath.Join(root, "test", "*", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range append(mods, tests...) {
		required := direct(read(t, mod))
		if len(required) == 0 && filepath.Dir(mod) == root {
			t.Errorf("no direct dependency read from %s", mod)
		}
		for _, module := range required {
			if !strings.Contains(doc, "| `"+module+"` |") {
				t.Errorf("docs/dependencies.md has no line for %s, which %s requires", module, mod)
			}
		}
	}
}

// direct returns the modules that a go.mod requires, indirect ones left out.
func direct(mod string) []string {
	var modules []string
	inBlock := false
	for line := range strings.Lines(mod) {
		line = strings.TrimSpace(line)
		fields := strings.Fields(line)
		single := len(fields) > 2 && fields[0] == "require"
		switch {
		case line == "require (":
			inBlock = true
		case line == ")":
			inBlock = false
		case strings.HasSuffix(line, "// indirect") || len(fields) < 2:
		case single && fields[1] != "(":
			modules = append(modules, fields[1])
		case inBlock && !strings.HasPrefix(line, "//"):
			modules = append(modules, fields[0])
		}
	}
	return slices.DeleteFunc(modules, func(m string) bool { return m == "quire" || strings.HasPrefix(m, "quire/") })
}

const (
	tableBegin = "<!-- what follows is written by go test -run TestAPITable . -update -->\n"
	tableEnd   = "<!-- end -->\n"
)

// TestAPITable holds docs/api.md to the methods that the server has, and to
// which of them are built.
func TestAPITable(t *testing.T) {
	server, err := grpcapi.NewServer(anybody{}, grpcapi.Register(nil, nil, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(testenv.RepoRoot(t), "docs", "api.md")
	before, rest, found := strings.Cut(read(t, path), tableBegin)
	table, after, closed := strings.Cut(rest, tableEnd)
	if !found || !closed {
		t.Fatalf("docs/api.md lacks the lines around its table: %q and %q", tableBegin, tableEnd)
	}
	want := apiTable(t, server)
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(table, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/api.md is not what the server does; run go test -run TestAPITable . -update (-got +want):\n%s", diff)
	}
}

func apiTable(t *testing.T, server *grpcapi.Server) string {
	t.Helper()
	var b strings.Builder
	registered := implementations{}
	grpcapi.Register(nil, nil, "")(registered)
	for _, service := range server.Services() {
		if strings.HasPrefix(string(service.FullName()), "grpc.") {
			continue // health and reflection: gRPC's own
		}
		fmt.Fprintf(&b, "\n### %s\n\n| Method | REST | |\n|---|---|---|\n", service.FullName())
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			answer := "UNIMPLEMENTED"
			if registered.built(t.Context(), method) {
				answer = "built"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", method.Name(), rest(method), answer)
		}
	}
	fmt.Fprintf(&b, "\n### REST only\n\n| Method | REST | |\n|---|---|---|\n%s\n", restOnly(t))
	return b.String()
}

// restOnly returns the rows of those operations of the OpenAPI document that no
// method of a service answers.
func restOnly(t *testing.T) string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(openapi.JSON), &doc); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for path, operations := range doc.Paths {
		for verb, operation := range operations {
			if !strings.Contains(operation.OperationID, "_") {
				rows = append(rows, fmt.Sprintf("| %s | `%s %s` | built |\n", operation.OperationID, strings.ToUpper(verb), path))
			}
		}
	}
	slices.Sort(rows)
	return strings.Join(rows, "")
}

// rest returns the verb and path that the descriptor gives a method.
func rest(method protoreflect.MethodDescriptor) string {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	for _, binding := range []struct{ verb, path string }{
		{"GET", rule.GetGet()},
		{"PUT", rule.GetPut()},
		{"POST", rule.GetPost()},
		{"PATCH", rule.GetPatch()},
		{"DELETE", rule.GetDelete()},
	} {
		if binding.path != "" {
			return "`" + binding.verb + " " + binding.path + "`"
		}
	}
	return "–"
}

// implementations are the services that are registered, by name.
type implementations map[string]implementation

type implementation struct {
	desc *grpc.ServiceDesc
	impl any
}

// RegisterService implements grpc.ServiceRegistrar.
func (i implementations) RegisterService(desc *grpc.ServiceDesc, impl any) {
	i[desc.ServiceName] = implementation{desc, impl}
}

// built calls a method past all checks, with an empty message and no service
// behind it. One that is built answers something, or breaks; it never says
// that it is not there.
func (i implementations) built(ctx context.Context, method protoreflect.MethodDescriptor) (built bool) {
	service, ok := i[string(method.Parent().FullName())]
	if !ok {
		return false
	}
	defer func() { built = built || recover() != nil }()
	for _, m := range service.desc.Methods {
		if m.MethodName == string(method.Name()) {
			_, err := m.Handler(service.impl, ctx, func(any) error { return nil }, nil)
			return status.Code(err) != codes.Unimplemented
		}
	}
	for _, s := range service.desc.Streams {
		if s.StreamName == string(method.Name()) {
			return status.Code(s.Handler(service.impl, &oneMessage{ctx: ctx})) != codes.Unimplemented
		}
	}
	return false
}

// oneMessage is a stream with one empty message.
type oneMessage struct {
	grpc.ServerStream
	ctx  context.Context //nolint:containedctx // a stream's context has no other place
	read bool
}

func (s *oneMessage) Context() context.Context { return s.ctx }

func (s *oneMessage) RecvMsg(any) error {
	if s.read {
		return io.EOF
	}
	s.read = true
	return nil
}

// anybody lets every token through.
type anybody struct{}

func (anybody) Authenticate(context.Context, string) (string, error) { return "docs", nil }

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

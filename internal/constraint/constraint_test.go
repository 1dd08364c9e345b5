package constraint_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	datasphere "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"

	"quire"
	"quire/internal/constraint"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	byNotebook := &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: "a.ipynb"}
	labels := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprintf("k%d", i)] = "v"
		}
		return m
	}
	for name, test := range map[string]struct {
		message proto.Message
		field   string // at fault; empty: none
		says    string
	}{
		"sound": {
			message: &datasphere.ProjectExecutionRequest{ProjectId: "p", Target: byNotebook, InputVariables: deep(t)},
		},
		"required string": {
			message: &datasphere.GetProjectRequest{},
			field:   "project_id", says: "is required",
		},
		"too long": {
			message: &datasphere.GetProjectRequest{ProjectId: strings.Repeat("x", 51)},
			field:   "project_id", says: "must be at most 50 characters long, is 51",
		},
		"length counts characters": {
			message: &datasphere.GetProjectRequest{ProjectId: strings.Repeat("я", 50)},
		},
		"no target": {
			message: &datasphere.ProjectExecutionRequest{ProjectId: "p"},
			field:   "target", says: "exactly one of notebook_id, cell_id must be set",
		},
		"empty target": {
			message: &datasphere.ProjectExecutionRequest{ProjectId: "p", Target: &datasphere.ProjectExecutionRequest_NotebookId{}},
			field:   "target", says: "exactly one of notebook_id, cell_id must be set",
		},
		"target too long": {
			message: &datasphere.ProjectExecutionRequest{ProjectId: "p", Target: &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: strings.Repeat("x", 201)}},
			field:   "notebook_id", says: "must be at most 200 characters long, is 201",
		},
		"page size": {
			message: &datasphere.ListProjectsRequest{CommunityId: "c", PageSize: 1001},
			field:   "page_size", says: "must be 0 to 1000, is 1001",
		},
		"negative page size": {
			message: &datasphere.ListProjectsRequest{CommunityId: "c", PageSize: -1},
			field:   "page_size", says: "must be 0 to 1000, is -1",
		},
		"too many labels": {
			message: &datasphere.CreateProjectRequest{CommunityId: "c", Name: "name", Labels: labels(65)},
			field:   "labels", says: "must have at most 64 elements, has 65",
		},
		"label's key": {
			message: &datasphere.CreateProjectRequest{CommunityId: "c", Name: "name", Labels: map[string]string{"Key": "v"}},
			field:   "labels[Key]", says: "the key must match the pattern [a-z][-_0-9a-z]*",
		},
		"label's long key is not repeated": {
			message: &datasphere.CreateProjectRequest{CommunityId: "c", Name: "name", Labels: map[string]string{strings.Repeat("k", 100): "v"}},
			field:   "labels[" + strings.Repeat("k", 64) + "…]", says: "the key must be 1 to 63 characters long, is 100",
		},
		"label's value": {
			message: &datasphere.CreateProjectRequest{CommunityId: "c", Name: "name", Labels: map[string]string{"k": "V"}},
			field:   "labels[k]", says: "must match the pattern [-_0-9a-z]*",
		},
		"empty list": {
			message: &access.UpdateAccessBindingsRequest{ResourceId: "p"},
			field:   "access_binding_deltas", says: "must have 1 to 1000 elements, has 0",
		},
		"in a list of messages": {
			message: &access.UpdateAccessBindingsRequest{ResourceId: "p", AccessBindingDeltas: []*access.AccessBindingDelta{{
				Action:        access.AccessBindingAction_ADD,
				AccessBinding: &access.AccessBinding{RoleId: "r", Subject: &access.Subject{Id: "x"}},
			}}},
			field: "access_binding_deltas[0].access_binding.subject.type", says: "is required",
		},
		"required enum": {
			message: &access.UpdateAccessBindingsRequest{ResourceId: "p", AccessBindingDeltas: []*access.AccessBindingDelta{{}}},
			field:   "access_binding_deltas[0].action", says: "is required",
		},
		"the whole string must match": {
			message: &datasphere.CreateProjectRequest{CommunityId: "c", Name: "name", Labels: map[string]string{"k\n": "v"}},
			field:   "labels[k\n]", says: "the key must match the pattern [a-z][-_0-9a-z]*",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := constraint.Check(test.message)
			if test.field == "" {
				if err != nil {
					t.Fatalf("Check: %v", err)
				}
				return
			}
			got, ok := errors.AsType[*quire.Error](err)
			if !ok {
				t.Fatalf("Check: got %v, want a *quire.Error", err)
			}
			want := quire.Invalid(test.field, "%s", test.says)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDeclared sees to it that every limit of every message that a client may
// send can be read, and that none is of a kind that Check passes over.
func TestDeclared(t *testing.T) {
	t.Parallel()
	limited := 0
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		d := mt.Descriptor()
		if !strings.HasPrefix(string(d.FullName()), "yandex.cloud.") {
			return true
		}
		if err := constraint.Check(mt.New().Interface()); err != nil {
			if _, ok := errors.AsType[*quire.Error](err); !ok {
				t.Errorf("%s: %v", d.FullName(), err)
			}
			limited++
		}
		for i := range d.Fields().Len() {
			checkDeclared(t, d.Fields().Get(i))
		}
		return true
	})
	if limited == 0 {
		t.Error("no message with a required field is linked in")
	}
}

func checkDeclared(t *testing.T, field protoreflect.FieldDescriptor) {
	has := func(x protoreflect.ExtensionType) bool { return proto.HasExtension(field.Options(), x) }
	kind := field.Kind()
	if field.IsMap() {
		kind = field.MapValue().Kind()
	}
	if has(cloud.E_Unique) || has(cloud.E_Bytes) {
		t.Errorf("%s: unique or bytes is not checked", field.FullName())
	}
	if (has(cloud.E_Length) || has(cloud.E_Pattern)) && kind != protoreflect.StringKind {
		t.Errorf("%s: length or pattern of a %v is not checked", field.FullName(), kind)
	}
	if has(cloud.E_Value) && !slices.Contains([]protoreflect.Kind{protoreflect.Int64Kind, protoreflect.Int32Kind}, kind) {
		t.Errorf("%s: value of a %v is not checked", field.FullName(), kind)
	}
	if has(cloud.E_Size) && field.Cardinality() != protoreflect.Repeated {
		t.Errorf("%s: size of what is no list is not checked", field.FullName())
	}
}

func deep(t *testing.T) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(map[string]any{"a": map[string]any{"b": []any{1.0, "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

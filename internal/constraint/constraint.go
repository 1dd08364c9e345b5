// Package constraint checks a request against the limits that its descriptor
// declares by the options of yandex.cloud.validation: length, size, value,
// pattern, required, map_key and exactly_one. What the limits cannot say, such
// as whether a project exists, it leaves to the services.
package constraint

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"quire"
)

// Check returns an InvalidArgument error for the first field of m that breaks
// a limit, named by its path in snake_case. A field that is left out breaks
// only required, exactly_one and, for a list or a map, size.
func Check(m proto.Message) error {
	return checkMessage("", m.ProtoReflect())
}

func checkMessage(path string, m protoreflect.Message) error {
	d := m.Descriptor()
	if d.ParentFile().Package() == "google.protobuf" {
		return nil // has no limits, and a Struct is as deep as its sender likes
	}
	for i := range d.Oneofs().Len() {
		if err := checkOneof(path, m, d.Oneofs().Get(i)); err != nil {
			return err
		}
	}
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		if err := checkField(join(path, string(field.Name())), m, field); err != nil {
			return err
		}
	}
	return nil
}

func checkOneof(path string, m protoreflect.Message, oneof protoreflect.OneofDescriptor) error {
	if exactly, _ := proto.GetExtension(oneof.Options(), cloud.E_ExactlyOne).(bool); !exactly {
		return nil
	}
	// An empty string is how a client of JSON says that it sets nothing.
	if set := m.WhichOneof(oneof); set != nil && (set.Kind() != protoreflect.StringKind || m.Get(set).String() != "") {
		return nil
	}
	var names []string
	for i := range oneof.Fields().Len() {
		names = append(names, string(oneof.Fields().Get(i).Name()))
	}
	return quire.Invalid(join(path, string(oneof.Name())), "exactly one of %s must be set", strings.Join(names, ", "))
}

func checkField(path string, m protoreflect.Message, field protoreflect.FieldDescriptor) error {
	l, err := limitsOf(field)
	if err != nil {
		return fmt.Errorf("read the limits of %s: %w", field.FullName(), err)
	}
	switch value := m.Get(field); {
	case field.IsMap():
		return l.checkMap(path, field, value.Map())
	case field.IsList():
		return l.checkList(path, field, value.List())
	case !m.Has(field) || field.Kind() == protoreflect.StringKind && value.String() == "":
		if l.required {
			return quire.Invalid(path, "is required")
		}
		return nil
	default:
		return l.checkValue(path, field, value)
	}
}

func (l limits) checkMap(path string, field protoreflect.FieldDescriptor, entries protoreflect.Map) (err error) {
	if err := l.checkSize(path, entries.Len()); err != nil {
		return err
	}
	entries.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		entry := fmt.Sprintf("%s[%s]", path, abbreviated(key.String()))
		if l.mapKey != nil {
			err = l.mapKey.checkString(entry, "the key ", key.String())
		}
		if err == nil {
			err = l.checkValue(entry, field.MapValue(), value)
		}
		return err == nil
	})
	return err
}

func (l limits) checkList(path string, field protoreflect.FieldDescriptor, list protoreflect.List) error {
	if err := l.checkSize(path, list.Len()); err != nil {
		return err
	}
	for i := range list.Len() {
		if err := l.checkValue(fmt.Sprintf("%s[%d]", path, i), field, list.Get(i)); err != nil {
			return err
		}
	}
	return nil
}

func (l limits) checkSize(path string, n int) error {
	if l.required && n == 0 {
		return quire.Invalid(path, "is required")
	}
	if !l.size.holds(int64(n)) {
		return quire.Invalid(path, "must have %s elements, has %d", l.size, n)
	}
	return nil
}

// checkValue checks one value that is there: a field's, or an element's of a
// list or a map.
func (l limits) checkValue(path string, field protoreflect.FieldDescriptor, value protoreflect.Value) error {
	switch field.Kind() {
	case protoreflect.StringKind:
		return l.checkString(path, "", value.String())
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind,
		protoreflect.Sfixed32Kind, protoreflect.Sfixed64Kind:
		if !l.value.holds(value.Int()) {
			return quire.Invalid(path, "must be %s, is %d", l.value, value.Int())
		}
	case protoreflect.EnumKind:
		if l.required && value.Enum() == 0 {
			return quire.Invalid(path, "is required")
		}
	case protoreflect.MessageKind:
		return checkMessage(path, value.Message())
	default:
		// No limit is declared on any other kind: a test sees to it.
	}
	return nil
}

func (l limits) checkString(path, what, s string) error {
	if n := utf8.RuneCountInString(s); !l.length.holds(int64(n)) {
		return quire.Invalid(path, "%smust be %s characters long, is %d", what, l.length, n)
	}
	if l.pattern != nil && !l.pattern.MatchString(s) {
		return quire.Invalid(path, "%smust match the pattern %s", what, l.source)
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// abbreviated keeps a client's own key from filling the answer.
func abbreviated(key string) string {
	const most = 64
	if utf8.RuneCountInString(key) <= most {
		return key
	}
	return string([]rune(key)[:most]) + "…"
}

package rest

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// masksOf returns a message's own field masks.
func masksOf(d protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var masks []protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		if field.Message() != nil && !field.IsList() && field.Message().FullName() == "google.protobuf.FieldMask" {
			masks = append(masks, field)
		}
	}
	return masks
}

// normaliseMasks puts the paths of message's field masks into snake_case, the
// notation of fields in gRPC.
func normaliseMasks(message proto.Message) {
	m := message.ProtoReflect()
	for _, field := range masksOf(m.Descriptor()) {
		if !m.Has(field) {
			continue
		}
		mask, ok := m.Get(field).Message().Interface().(*fieldmaskpb.FieldMask)
		if !ok {
			continue
		}
		for i, path := range mask.GetPaths() {
			mask.Paths[i] = snake(strings.TrimSpace(path))
		}
	}
}

func snake(camel string) string {
	var b strings.Builder
	for _, r := range camel {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// camelMask turns the paths of a mask from either notation into lowerCamelCase.
func camelMask(mask string) string {
	paths := strings.Split(mask, ",")
	for i, path := range paths {
		var b strings.Builder
		upper := false
		for _, r := range strings.TrimSpace(path) {
			switch {
			case r == '_':
				upper = true
				continue
			case upper && r >= 'a' && r <= 'z':
				r -= 'a' - 'A'
			}
			upper = false
			b.WriteRune(r)
		}
		paths[i] = b.String()
	}
	return strings.Join(paths, ",")
}

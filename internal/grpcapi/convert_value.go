package grpcapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"google.golang.org/protobuf/types/known/structpb"

	"quire"
)

// inputsOf reads input variables as JSON values. A number that is whole is
// written without a point.
func inputsOf(s *structpb.Struct) (map[string]any, error) {
	if len(s.GetFields()) == 0 {
		return nil, nil
	}
	inputs := make(map[string]any, len(s.GetFields()))
	for name, value := range s.GetFields() {
		v, err := jsonOf(value)
		if err != nil {
			return nil, quire.Invalid("input_variables", "%.100s: %v", name, err)
		}
		inputs[name] = v
	}
	return inputs, nil
}

func jsonOf(v *structpb.Value) (any, error) {
	switch v := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return v.StringValue, nil
	case *structpb.Value_BoolValue:
		return v.BoolValue, nil
	case *structpb.Value_NumberValue:
		if math.IsNaN(v.NumberValue) || math.IsInf(v.NumberValue, 0) {
			return nil, fmt.Errorf("%v cannot be written in JSON; send it as a string", v.NumberValue)
		}
		text, err := json.Marshal(v.NumberValue)
		return json.Number(text), err
	case *structpb.Value_ListValue:
		list := make([]any, len(v.ListValue.GetValues()))
		for i, item := range v.ListValue.GetValues() {
			var err error
			if list[i], err = jsonOf(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *structpb.Value_StructValue:
		object := make(map[string]any, len(v.StructValue.GetFields()))
		for key, item := range v.StructValue.GetFields() {
			var err error
			if object[key], err = jsonOf(item); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return nil, nil //nolint:nilnil // null is a JSON value
}

// valueProto returns the JSON in raw, nil where it is none. What comes from a
// kernel may be anything; encoding/json makes valid UTF-8 of it, which the
// wire insists on.
func valueProto(raw json.RawMessage) *structpb.Value {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	value, err := structpb.NewValue(v)
	if err != nil {
		return nil
	}
	return value
}

// structProto returns the JSON object in raw, nil where it is none.
func structProto(raw json.RawMessage) *structpb.Struct { return valueProto(raw).GetStructValue() }

// structsProto returns the objects in the JSON list in raw.
func structsProto(raw json.RawMessage) []*structpb.Struct {
	var structs []*structpb.Struct
	for _, item := range valueProto(raw).GetListValue().GetValues() {
		if s := item.GetStructValue(); s != nil {
			structs = append(structs, s)
		}
	}
	return structs
}

// inputsProto is the way back from inputsOf.
func inputsProto(inputs map[string]any) (*structpb.Struct, error) {
	if len(inputs) == 0 {
		return nil, nil //nolint:nilnil // an unset message is nil
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(inputs); err != nil {
		return nil, fmt.Errorf("encode input variables: %w", err)
	}
	return structProto(b.Bytes()), nil
}

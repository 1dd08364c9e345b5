package nbformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
)

// Get returns the value of key as a T. It returns false where there is none,
// where it is null, and where it is no T.
func Get[T any](o Object, key string) (T, bool) {
	var v T
	raw, ok := o[key]
	if !ok || kind(raw) == 'n' || json.Unmarshal(raw, &v) != nil {
		var zero T
		return zero, false
	}
	return v, true
}

// Set makes v, as JSON, the value of key, and o a map where it is nil. It
// returns an error and changes nothing where v has no JSON form.
func (o *Object) Set(key string, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("set %s: %w", key, err)
	}
	if *o == nil {
		*o = Object{}
	}
	(*o)[key] = canonical(buf.Bytes())
	return nil
}

// objectOf returns the members of a JSON object. The values are parts of raw.
func objectOf(raw json.RawMessage) Object { return maps.Collect(members(raw)) }

func trimSpace(raw json.RawMessage) json.RawMessage { return bytes.TrimSpace(raw) }

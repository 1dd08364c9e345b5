package runner

import (
	"bytes"
	"encoding/json"
	"strings"

	"quire/nbformat"
)

// decode reads a kernel's content, numbers digit by digit, and reports whether
// it could. Invalid UTF-8 becomes the replacement character on the way.
func decode(content json.RawMessage, v any) bool {
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.UseNumber()
	return dec.Decode(v) == nil
}

// encode writes a value that was made from decoded JSON.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// mimeBundle returns a message's data as nbformat has it: JSON types as any
// value, every other as one string. What a kernel sent otherwise is kept as
// its JSON text.
func mimeBundle(data map[string]any) nbformat.Object {
	bundle := nbformat.Object{}
	for mime, v := range data {
		if !isJSONMIME(mime) {
			v = text(v)
		}
		bundle[mime] = encode(v)
	}
	return bundle
}

func isJSONMIME(mime string) bool {
	return mime == "application/json" || (strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json"))
}

// text joins what may be a string or a list of lines.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, line := range v {
			s, ok := line.(string)
			if !ok {
				return string(encode(v))
			}
			b.WriteString(s)
		}
		return b.String()
	}
	return string(encode(v))
}

func object(m map[string]any) nbformat.Object {
	o := nbformat.Object{}
	for k, v := range m {
		o[k] = encode(v)
	}
	return o
}

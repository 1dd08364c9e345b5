package nbformat

import (
	"encoding/json"
	"strings"
)

// isJSON reports whether data of a MIME type is JSON and may be any value; all
// other data is text or base64, so a string.
func isJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// isText reports whether files hold data of a MIME type as a list of lines.
func isText(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

// readBundle returns data by MIME type with lists of lines joined. It returns
// false where data that is not JSON is no text.
func readBundle(bundle Object) (Object, bool) {
	joined := make(Object, len(bundle))
	for mime, raw := range bundle {
		if !isJSON(mime) && kind(raw) != '"' {
			text, ok := joinLines(raw, "")
			if !ok {
				return nil, false
			}
			raw = appendQuoted(nil, text)
		}
		joined[mime] = raw
	}
	return joined, true
}

// bundle writes data by MIME type.
func (e *encoder) bundle(data Object) {
	fields := make([]field, 0, len(data))
	for mime, raw := range data {
		fields = append(fields, field{mime, func() {
			if e.lines && isText(mime) && kind(raw) == '"' {
				e.multiline(unquote(trimSpace(raw)))
			} else {
				e.value(raw)
			}
		}})
	}
	e.object(nil, fields...)
}

// readAttachments joins the lines in a cell's attachments, which are data by
// MIME type by file name. It returns false where they are something else.
func readAttachments(raw json.RawMessage) (json.RawMessage, bool) {
	if kind(raw) != '{' {
		return nil, false
	}
	e := encoder{}
	fields := []field{}
	for file, data := range members(raw) {
		if kind(data) != '{' {
			return nil, false
		}
		bundle, ok := readBundle(objectOf(data))
		if !ok {
			return nil, false
		}
		fields = append(fields, field{file, func() { e.bundle(bundle) }})
	}
	e.object(nil, fields...)
	return e.buf, true
}

// attachments writes a cell's attachments.
func (e *encoder) attachments(raw json.RawMessage) {
	if kind(raw) != '{' {
		e.value(raw)
		return
	}
	fields := []field{}
	for file, data := range objectOf(raw) {
		fields = append(fields, field{file, func() {
			if kind(data) == '{' {
				e.bundle(objectOf(data))
			} else {
				e.value(data)
			}
		}})
	}
	e.object(nil, fields...)
}

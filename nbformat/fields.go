package nbformat

import (
	"bytes"
	"encoding/json"
	"strconv"

	"quire"
)

// fields takes an object apart. Each method takes one field out, so that the
// unknown ones remain; the first error stays in err.
type fields struct {
	at   string // where the object is in the notebook, for errors
	left Object
	err  error

	shared bool // long texts may stay where they are
}

func newFields(at string, raw json.RawMessage) *fields {
	f := &fields{at: at}
	if kind(raw) != '{' {
		f.fail("", "must be an object")
		return f
	}
	f.left = objectOf(raw)
	return f
}

// fail notes what is wrong with the named field, or with the object.
func (f *fields) fail(name, want string) {
	if f.err == nil {
		f.err = invalidAt(join(f.at, name), want)
	}
}

func (f *fields) has(name string) bool {
	_, ok := f.left[name]
	return ok
}

func (f *fields) take(name string) (json.RawMessage, bool) {
	raw, ok := f.left[name]
	delete(f.left, name)
	return raw, ok
}

// require notes an error unless the object has the field.
func (f *fields) require(name string) {
	if !f.has(name) {
		f.fail(name, "is missing")
	}
}

func (f *fields) string(name string) string {
	raw, ok := f.take(name)
	if !ok {
		return ""
	}
	if kind(raw) != '"' {
		f.fail(name, "must be a string")
		return ""
	}
	return unquote(raw)
}

func (f *fields) multiline(name string) string {
	raw, ok := f.take(name)
	if !ok {
		return ""
	}
	text, ok := joinLines(raw, "")
	if !ok {
		f.fail(name, "must be a string or a list of strings")
	}
	return text
}

func (f *fields) strings(name string) []string {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	if kind(raw) != '[' {
		f.fail(name, "must be a list of strings")
		return nil
	}
	var list []string
	for _, s := range elements(raw) {
		if kind(s) != '"' {
			f.fail(name, "must be a list of strings")
			return nil
		}
		list = append(list, unquote(s))
	}
	return list
}

// count takes an execution count: 0 is null.
func (f *fields) count(name string) int {
	raw, ok := f.take(name)
	if !ok || kind(raw) == 'n' {
		return 0
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		f.fail(name, "must be null or a whole number from 0")
		return 0
	}
	return n
}

// object takes an object; it is never nil.
func (f *fields) object(name string) Object {
	raw, ok := f.take(name)
	if !ok {
		return Object{}
	}
	if kind(raw) != '{' {
		f.fail(name, "must be an object")
		return Object{}
	}
	return f.own(name, objectOf(raw))
}

// bundle takes data by MIME type; it is never nil.
func (f *fields) bundle(name string) Object {
	raw, ok := f.take(name)
	if !ok {
		return Object{}
	}
	if kind(raw) != '{' {
		f.fail(name, "must be an object")
		return Object{}
	}
	data, ok := readBundle(objectOf(raw))
	if !ok {
		f.fail(name, "must hold strings or lists of strings where the MIME type is not JSON")
		return Object{}
	}
	return f.own(name, data)
}

// rest returns the fields that nobody took, nil where there are none.
func (f *fields) rest() Object {
	if len(f.left) == 0 {
		return nil
	}
	return f.own("", f.left)
}

// own brings the values of o into memory of their own.
func (f *fields) own(name string, o Object) Object {
	for key, raw := range o {
		if tooDeep(raw) {
			f.fail(name, tooDeepText)
			return Object{}
		}
		if !f.shared || !isLongText(raw) {
			o[key] = canonical(raw)
		}
	}
	return o
}

// longText is the size in bytes from which on a text is not copied without need.
const longText = 64 << 10

// isLongText reports whether raw is a long string that is written as it is.
func isLongText(raw json.RawMessage) bool {
	return len(raw) >= longText && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0
}

var tooDeepText = "is nested deeper than " + strconv.Itoa(maxDepth) + " levels"

// invalidAt returns the error for a place in the notebook. It names places
// only, never what the notebook holds.
func invalidAt(at, want string) error {
	if at == "" {
		return quire.Errorf(quire.InvalidArgument, "the notebook %s", want)
	}
	return quire.Errorf(quire.InvalidArgument, "%s %s", at, want)
}

func join(at, name string) string {
	if at == "" || name == "" {
		return at + name
	}
	return at + "." + name
}

func indexed(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

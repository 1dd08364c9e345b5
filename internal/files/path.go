package files

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"quire"
)

// The limits on a path in a project, in bytes. The element's is the file
// system's own.
const (
	maxPath    = 1024
	maxElement = 255
)

// ValidatePath returns the canonical form of a slash-separated path relative
// to a project, or an InvalidArgument error for the field path that says what
// is wrong with it. It drops "." elements and refuses what could lead out of
// the project or could not be shown to anyone: "..", a leading, doubled or
// trailing slash, NUL and other control characters, broken UTF-8, and lengths
// beyond 1024 bytes in all or 255 in one element. A backslash is a letter.
//
// It knows nothing of links: only the Store can tell where those lead.
func ValidatePath(path string) (string, error) {
	elements, err := split(path)
	if err != nil {
		return "", err
	}
	elements = slices.DeleteFunc(elements, func(e string) bool { return e == "." })
	if len(elements) == 0 {
		return "", quire.Invalid("path", "%q names the project itself; name a file in it", path)
	}
	return strings.Join(elements, "/"), nil
}

func split(path string) ([]string, error) {
	switch {
	case path == "":
		return nil, quire.Invalid("path", "is empty; it must name a file in the project")
	case len(path) > maxPath:
		return nil, quire.Invalid("path", "is %d bytes long; at most %d are possible", len(path), maxPath)
	case !utf8.ValidString(path):
		return nil, quire.Invalid("path", "%q is not UTF-8", path)
	case strings.ContainsFunc(path, unicode.IsControl):
		return nil, quire.Invalid("path", "%q has a control character in it", path)
	case path[0] == '/':
		return nil, quire.Invalid("path", "%q is absolute; it must be relative to the project", path)
	}
	elements := strings.Split(path, "/")
	for _, e := range elements {
		switch {
		case e == "":
			return nil, quire.Invalid("path", "%q has an empty element", path)
		case e == "..":
			return nil, quire.Invalid("path", "%q leaves the project", path)
		case len(e) > maxElement:
			return nil, quire.Invalid("path", "an element is %d bytes long; at most %d are possible", len(e), maxElement)
		}
	}
	return elements, nil
}

// validatePrefix checks the prefix of a list, which may end anywhere in a
// path, by the rules for paths.
func validatePrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	_, err := split(strings.TrimSuffix(prefix, "/"))
	if e, ok := errors.AsType[*quire.Error](err); ok {
		e.Field = "prefix"
	}
	return err
}

// validID reports whether id is fit to be the name of a folder of ours: ids
// are Quire's own, so anything else was made up by a client.
func validID(id string) bool {
	if id == "" || len(id) > 64 || id[0] == '-' || id[0] == '_' {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

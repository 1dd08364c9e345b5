package service

import (
	"slices"
	"strings"

	"quire"
)

// A field is one that an update can change: its path in the API and how its
// value is taken over.
type field[T any] struct {
	path string
	take func(dst, src *T)
}

// checkMask refuses an update mask that names something other than one of the
// fields or a message that holds some.
func checkMask[T any](fields []field[T], mask []string) error {
	for _, path := range mask {
		if !slices.ContainsFunc(fields, func(f field[T]) bool { return f.under(path) }) {
			paths := make([]string, len(fields))
			for i, f := range fields {
				paths[i] = f.path
			}
			return quire.Invalid("update_mask", "%.100q cannot be updated; these can: %s", path, strings.Join(paths, ", "))
		}
	}
	return nil
}

// merge takes over from src what the mask names, and everything where it is
// empty: what the client then left out returns to its default.
func merge[T any](fields []field[T], dst, src *T, mask []string) {
	for _, f := range fields {
		if len(mask) == 0 || slices.ContainsFunc(mask, f.under) {
			f.take(dst, src)
		}
	}
}

// under reports whether path names the field or a message around it.
func (f field[T]) under(path string) bool {
	return f.path == path || strings.HasPrefix(f.path, path+".")
}

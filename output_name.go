package quire

import "regexp"

// The bounds of the list of output variables.
const (
	MaxOutputNames      = 1000
	MaxOutputNameLength = 200
)

// Kernels of many languages run here, so the dots of R and the letters of any
// script are let through; what the kernel does not know is reported missing.
var outputName = regexp.MustCompile(`^[\p{L}_.][\p{L}\p{M}\p{N}_.]*$`)

// CheckOutputNames returns an InvalidArgument error for field if names cannot
// be the names of variables in a kernel.
func CheckOutputNames(field string, names []string) error {
	if len(names) > MaxOutputNames {
		return Invalid(field, "%d names are too many; at most %d are taken", len(names), MaxOutputNames)
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		switch {
		case len(name) > MaxOutputNameLength || !outputName.MatchString(name):
			return Invalid(field, "%.100q is no name of a variable; one is made of letters, digits, _ and ., starts with no digit, and takes at most %d bytes", name, MaxOutputNameLength)
		case seen[name]:
			return Invalid(field, "%q is named twice", name)
		}
		seen[name] = true
	}
	return nil
}

// Package quire is the vocabulary of the server: projects, executions,
// operations, the events of a running notebook, machine specs, variables and
// the one error type. Every other package speaks in these words.
//
// It depends on the standard library only and does no input or output: what
// stores, runs or serves these things lives in the packages below internal.
package quire

import (
	"crypto/rand"
	"strings"
)

// NewID returns a new random identifier: 26 lower-case letters and digits,
// 128 bits of randomness, fit for a path segment and a DNS label.
func NewID() string { return strings.ToLower(rand.Text()) }

//go:build !crashpoints

package crash_test

import (
	"testing"

	"quire/internal/crash"
)

// A normal build does not look at the variable.
func TestNormalBuild(t *testing.T) {
	for _, p := range crash.Points() {
		t.Setenv("QUIRE_CRASH", string(p))
		crash.At(p)
	}
	if env := crash.Environ(); env != nil {
		t.Errorf("got %q for executors, want nothing", env)
	}
}

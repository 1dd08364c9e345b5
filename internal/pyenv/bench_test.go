package pyenv_test

import "testing"

// BenchmarkLookup is what a known environment costs a start.
func BenchmarkLookup(b *testing.B) {
	h := newHouse(b)
	d := requirements("demo")
	l, err := h.Acquire(b.Context(), d, nil)
	if err != nil {
		b.Fatal(err)
	}
	l.Release()
	for b.Loop() {
		l, err := h.Lookup(d)
		if err != nil || l == nil {
			b.Fatal(l, err)
		}
		l.Release()
	}
}

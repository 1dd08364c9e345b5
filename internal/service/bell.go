package service

import "sync"

// bell tells any number of waiting goroutines that something has happened. The
// zero bell is ready to use.
type bell struct {
	mu sync.Mutex
	ch chan struct{} // nil while nobody waits
}

// heard returns a channel that is closed when the bell rings next.
func (b *bell) heard() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

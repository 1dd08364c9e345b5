package quiretest

import (
	"bytes"
	"sync"
)

// serving is in the line that the server logs when it takes calls.
const serving = `"msg":"quire serves"`

// log keeps what the server writes. It is safe for concurrent use.
type log struct {
	serves chan struct{} // closed when the server takes calls

	mu     sync.Mutex
	text   bytes.Buffer
	served bool
}

func newLog() *log { return &log{serves: make(chan struct{})} }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if !l.served && bytes.Contains(l.text.Bytes(), []byte(serving)) {
		l.served = true
		close(l.serves)
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

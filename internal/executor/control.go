package executor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"quire"
)

// Signal is one line of JSON on the control socket. The executor sends
// Durable: at once after a connection was made, and whenever the journal has
// grown on disk; and Fault, last, where it ends because it cannot keep the
// journal. A client sends Stop to end the run.
type Signal struct {
	Durable *int64         `json:"durable,omitempty"`
	Fault   *quire.Failure `json:"fault,omitempty"`
	Stop    *quire.Failure `json:"stop,omitempty"`
}

// maxSignals bounds what one connection may send: a Stop or a few.
const maxSignals = 1 << 20

// tellTimeout bounds the telling of one signal to a connection.
const tellTimeout = 5 * time.Second

// server answers on the control socket. A connection is told everything that
// became durable before it closes.
type server struct {
	dir      string
	made     bool // the folder is there
	listener *net.UnixListener
	onStop   func(quire.Failure)
	serving  sync.WaitGroup

	mu      sync.Mutex
	size    int64
	fault   *quire.Failure
	ended   bool
	changed chan struct{} // closed and replaced when size or ended change
}

// newServer returns a server whose folder is not there yet: its name can be
// written down first, so that whoever comes after a crash can remove it.
func newServer() *server {
	return &server{dir: filepath.Join(tempDir(), runDirPrefix+quire.NewID()[:runDirRandom]), changed: make(chan struct{})}
}

// make makes the folder, once.
func (s *server) make() error {
	if s.made {
		return nil
	}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return fmt.Errorf("make run folder: %w", err)
	}
	s.made = true
	return nil
}

// start makes the folder and accepts connections until close.
func (s *server) start() error {
	if err := s.make(); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(s.dir, socketFile), Net: "unix"})
	if err != nil {
		return errors.Join(fmt.Errorf("listen for control: %w", err), os.RemoveAll(s.dir))
	}
	s.listener = l
	s.serving.Go(func() {
		for {
			conn, err := s.listener.AcceptUnix()
			if err != nil {
				return
			}
			s.serving.Go(func() { s.announce(conn) })
			s.serving.Go(func() { s.listen(conn) }) // ends when announce closes the connection
		}
	})
	return nil
}

// durable is told how long the journal is on disk.
func (s *server) durable(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size = size
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) announce(conn *net.UnixConn) {
	defer conn.Close() // the reader has all that it will get
	enc := json.NewEncoder(conn)
	sent := int64(-1)
	for {
		s.mu.Lock()
		size, fault, ended, changed := s.size, s.fault, s.ended, s.changed
		s.mu.Unlock()
		if size != sent {
			_ = conn.SetWriteDeadline(time.Now().Add(tellTimeout)) // a reader that sleeps must not keep us
			if enc.Encode(Signal{Durable: &size}) != nil {
				return
			}
			sent = size
		}
		if ended && fault != nil {
			_ = enc.Encode(Signal{Fault: fault}) // without it the end is one without a word
		}
		if ended {
			return
		}
		<-changed
	}
}

func (s *server) listen(conn *net.UnixConn) {
	dec := json.NewDecoder(io.LimitReader(conn, maxSignals))
	for {
		var signal Signal
		if dec.Decode(&signal) != nil {
			return
		}
		if signal.Stop != nil {
			s.onStop(*signal.Stop)
		}
	}
}

// fail notes why the executor ends without an end in the journal.
func (s *server) fail(why quire.Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = &why
}

// remove removes the folder of a server that was not started.
func (s *server) remove() {
	if s.made && s.listener == nil {
		_ = removeTree(s.dir)
	}
}

// close tells every connection the rest, ends them, and removes the folder. It
// does nothing to a server that was not started.
func (s *server) close() {
	if s.listener == nil {
		return
	}
	_ = s.listener.Close()
	s.mu.Lock()
	s.ended = true
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	s.serving.Wait()
	_ = os.RemoveAll(s.dir)
}

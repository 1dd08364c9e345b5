package executor

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode"
)

// maxKernelLog bounds what is kept of a kernel's own stdout and stderr; the
// rest is read and dropped, so that the kernel never blocks on it.
const maxKernelLog = 1 << 20

// maxLastLine bounds what is shown of it to a client.
const maxLastLine = 300

// folders matches the absolute part of paths, which are no client's business.
var folders = regexp.MustCompile(`(?:/[\w.+@-]+)+/`)

// boundedLog copies what a kernel writes to its own file descriptors into a file.
type boundedLog struct {
	pipe *os.File // the kernel's end
	read *os.File
	done chan struct{}

	mu   sync.Mutex
	file *os.File
	tail []byte // the last bytes that came
}

func newBoundedLog(path string) (*boundedLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	l := &boundedLog{pipe: w, read: r, file: file, done: make(chan struct{})}
	go l.copy()
	return l, nil
}

// moveTo goes on in another file, which gets what was written so far.
func (l *boundedLog) moveTo(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	said, err := os.ReadFile(l.file.Name())
	if err == nil {
		_, err = file.Write(said)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	err = errors.Join(l.file.Close(), os.Remove(l.file.Name()))
	l.file = file
	return err
}

// started drops this process's copy of the kernel's end.
func (l *boundedLog) started() { _ = l.pipe.Close() }

func (l *boundedLog) copy() {
	defer close(l.done)
	buf := make([]byte, 32<<10)
	left := maxKernelLog
	for {
		n, err := l.read.Read(buf)
		keep := min(n, left)
		left -= keep
		l.mu.Lock()
		// A full disk shows in the journal; the log may be incomplete.
		_, _ = l.file.Write(buf[:keep])
		l.tail = append(l.tail, buf[:n]...)
		l.tail = l.tail[max(0, len(l.tail)-4*maxLastLine):]
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// lastLine returns ": " and the last line that the kernel wrote, or "".
func (l *boundedLog) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range slices.Backward(bytes.Split(l.tail, []byte("\n"))) {
		line = bytes.Map(printable, bytes.ToValidUTF8(line, []byte("?")))
		if line = bytes.TrimSpace(folders.ReplaceAll(line, nil)); len(line) > 0 {
			return ": " + string(line[:min(len(line), maxLastLine)])
		}
	}
	return ""
}

// printable drops what a terminal would obey.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// lastLines bounds the reading of what the kernel wrote before its end, where
// a process that it started still holds the pipe open.
const lastLines = 200 * time.Millisecond

// close ends the copying after the kernel's end.
func (l *boundedLog) close() {
	_ = l.read.SetReadDeadline(time.Now().Add(lastLines))
	<-l.done
	_ = l.read.Close()
	_ = l.file.Close()
}

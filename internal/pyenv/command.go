package pyenv

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// command is a program to run: uv, pip or a Python.
type command struct {
	program string
	args    []string
	env     []string // complete
	dir     string
	lines   func(string) // called with each line of its standard error
}

const (
	maxStdout = 64 << 20
	maxStderr = 64 << 10
	waitDelay = 2 * time.Second // for what its children hold open after its end
)

// failed is the end of a program that did not do what it was to do, with what
// it wrote to its standard error.
type failed struct {
	err    error
	stderr string
}

func (f *failed) Error() string { return f.err.Error() + ": " + explain(f.stderr) }
func (f *failed) Unwrap() error { return f.err }

// run runs the command to its end and returns its standard output. It and its
// children die with this process, and with ctx.
func (s *Store) run(ctx context.Context, c command) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	var stdout bytes.Buffer
	cmd.Stdout = &limited{&stdout, maxStdout}
	read, write := io.Pipe()
	cmd.Stderr = write
	var tail strings.Builder
	scanned := make(chan struct{})
	go func() {
		defer close(scanned)
		scan(read, &tail, c.lines)
	}()
	ended := make(chan error, 1)
	go func() {
		// The signal of Pdeathsig is sent at the end of the thread that forked.
		runtime.LockOSThread()
		ended <- cmd.Run()
	}()
	err := <-ended
	_ = write.Close()
	<-scanned
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return stdout.Bytes(), nil
	}
	return nil, &failed{err, tail.String()}
}

// scan keeps the first part of what comes and passes on its lines.
func scan(r io.Reader, keep *strings.Builder, pass func(string)) {
	lines := bufio.NewReaderSize(r, 4096)
	for {
		part, err := lines.ReadString('\n')
		if left := maxStderr - keep.Len(); left > 0 {
			keep.WriteString(part[:min(len(part), left)])
		}
		if pass != nil && part != "" {
			pass(strings.TrimRight(part, "\r\n"))
		}
		if err != nil {
			return
		}
	}
}

// limited refuses what is beyond its limit.
type limited struct {
	buffer *bytes.Buffer
	limit  int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.buffer.Len()+len(p) > l.limit {
		return 0, fmt.Errorf("more than %d bytes of output", l.limit)
	}
	return l.buffer.Write(p)
}

var (
	ansi     = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	userinfo = regexp.MustCompile(`://[^\s/@]+@`)
	fileURL  = regexp.MustCompile(`file://[^\s'"` + "`" + `]*/`)
	folder   = regexp.MustCompile(`(^|[\s'"` + "`" + `(=])/(?:[^\s/'"` + "`" + `]+/)+`)
)

// maxExplanation bounds what is shown of a program's words, in bytes.
const maxExplanation = 2000

// explain makes of what uv wrote one line for a client: what it did before the
// error is left out, and so are folders of this machine and passwords.
func explain(stderr string) string {
	text := ansi.ReplaceAllString(stderr, "")
	if i := strings.Index(text, "error: "); i == 0 || i > 0 && text[i-1] == '\n' {
		text = text[i:]
	}
	text = userinfo.ReplaceAllString(text, "://")
	text = fileURL.ReplaceAllString(text, "")
	text = folder.ReplaceAllString(text, "$1")
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), " cause: ", ": ")
	text = strings.TrimPrefix(text, "error: ")
	if len(text) > maxExplanation {
		text = strings.ToValidUTF8(text[:maxExplanation], "") + "…"
	}
	return text
}

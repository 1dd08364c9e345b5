package warm

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"quire/jupyter"
)

// answerTimeout bounds the fork server's answer. A cold start takes about as
// long: to wait longer can win nothing.
const answerTimeout = 500 * time.Millisecond

// maxAnswer bounds one line of an answer, which has some twenty bytes.
const maxAnswer = 1 << 10

// maxNamespaces is forkserver.py's MAX_NAMESPACES.
const maxNamespaces = 4

// A Request is a kernel to be forked.
type Request struct {
	Argv           []string // the whole command that would start it cold: see Forkable
	Env            []string // the complete environment, NAME=value; of two the last counts
	Dir            string   // the working directory
	Stdout, Stderr *os.File // the caller may close its own after Launch

	// Namespaces are entered in their order, before the working directory.
	// The caller may close them after Launch. At most four.
	Namespaces []*os.File

	// Waits makes a kernel that is told by HandOver whose it is.
	Waits bool

	// Prepare is called with the new process's id while it waits, before any
	// code of the notebook's runs in it: the place to put limits on it. An
	// error ends the process. Nil: nothing is to be done.
	Prepare func(pid int) error
}

// launcher is the part of a command that a fork server knows how to do.
var launcher = []string{"-m", "ipykernel_launcher", "-f"}

// Forkable reports whether the command is one whose process a fork server of
// its interpreter can fork: `PYTHON -m ipykernel_launcher -f FILE …`.
func Forkable(argv []string) bool {
	return len(argv) > 1+len(launcher) && slices.Equal(argv[1:1+len(launcher)], launcher)
}

// Launch asks the fork server at socket for a kernel. Whatever the error, no
// kernel runs then, and it can be started cold.
func Launch(ctx context.Context, socket string, r Request) (*Process, error) {
	message, err := encode(r)
	if err != nil {
		return nil, fmt.Errorf("fork kernel: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("fork kernel: %w", err)
	}
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("fork kernel: connected by %T", conn)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	p, err := ask(uc, message, r)
	if !stop() && err == nil { // the deadline is set, or will be
		_ = p.pidfd.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close() // which ends the process, if there is one
		return nil, fmt.Errorf("fork kernel: %w", err)
	}
	p.watching.Go(p.watch)
	return p, nil
}

// ask sends the request and returns the process after it was told to go on.
func ask(conn *net.UnixConn, message []byte, r Request) (*Process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close() // only passed on
	var fds []int
	for _, f := range append([]*os.File{null, r.Stdout, r.Stderr}, r.Namespaces...) {
		fds = append(fds, int(f.Fd())) //nolint:gosec // a file descriptor
	}
	n, _, err := conn.WriteMsgUnix(message, unix.UnixRights(fds...), nil)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(message[n:]); err != nil {
		return nil, err
	}
	pid, pidfd, err := readFork(conn)
	if err != nil {
		return nil, err
	}
	p := newProcess(conn, pid, pidfd)
	if r.Prepare != nil {
		err = r.Prepare(pid)
	}
	if err == nil {
		_, err = conn.Write([]byte("g"))
	}
	if err != nil {
		_ = pidfd.Close()
		return nil, err
	}
	return p, nil
}

// encode writes the request as the fork server reads it: a length, and JSON.
func encode(r Request) ([]byte, error) {
	if !Forkable(r.Argv) {
		return nil, errors.New("its command is not that of an IPython kernel")
	}
	if r.Stdout == nil || r.Stderr == nil {
		return nil, errors.New("no stdout or stderr")
	}
	if len(r.Namespaces) > maxNamespaces {
		return nil, errors.New("too many namespaces")
	}
	env, err := variables(r.Env)
	if err != nil {
		return nil, err
	}
	mask, err := umask()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(map[string]any{"argv": r.Argv, "env": env, "cwd": r.Dir, "umask": mask, "waits": r.Waits})
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...), nil //nolint:gosec // an environment has a few MiB at most
}

// variables reads an environment; of two with one name the last counts.
func variables(environ []string) (map[string]string, error) {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" || !utf8.ValidString(entry) {
			return nil, errors.New("its environment is not plain text")
		}
		env[name] = value
	}
	return env, nil
}

// HandOver makes a waiting kernel that of a job, and returns when it is. After
// an error it must be ended.
func HandOver(ctx context.Context, client *jupyter.Client, environ []string, dir string) error {
	env, err := variables(environ)
	if err != nil {
		return fmt.Errorf("hand kernel over: %w", err)
	}
	mask, err := umask()
	if err != nil {
		return fmt.Errorf("hand kernel over: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := client.Request(ctx, "quire_hand_over_request", map[string]any{"env": env, "cwd": dir, "umask": mask}); err != nil {
		return fmt.Errorf("hand kernel over: %w", err)
	}
	return nil
}

// umask reads this process's own: to ask the kernel for it would set it.
func umask() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "\nUmask:")
	line, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(line), 8, 12)
	if err != nil {
		return 0, fmt.Errorf("read umask: %w", err)
	}
	return int(mask), nil
}

// readFork reads the first answer: the process's id with its pidfd, or why
// there is none.
func readFork(conn *net.UnixConn) (pid int, pidfd *os.File, err error) {
	buf, oob := make([]byte, maxAnswer), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(buf, oob)
	if err != nil {
		return 0, nil, err
	}
	fds, err := descriptors(oob[:oobn])
	if err != nil {
		return 0, nil, err
	}
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), "pidfd")
		if pidfd != nil {
			_ = f.Close() // more than was asked for
			continue
		}
		pidfd = f
	}
	var answer struct {
		PID  int
		Cold string
	}
	err = json.Unmarshal(bytes.TrimSpace(buf[:n]), &answer)
	switch {
	case err != nil:
	case answer.Cold != "":
		err = errors.New(answer.Cold)
	case answer.PID <= 1 || pidfd == nil:
		err = errors.New("the answer names no process")
	default:
		return answer.PID, pidfd, nil
	}
	if pidfd != nil {
		_ = pidfd.Close() // of a process that we know nothing of
	}
	return 0, nil, err
}

func descriptors(oob []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var fds []int
	for i := range messages {
		got, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return nil, err
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

package warm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"quire/jupyter"
)

// endLimit bounds the wait for the end of what a kernel has left behind: a
// process in an uninterruptible system call does not die before it returns.
const endLimit = 2 * time.Second

// Process is a forked kernel. It is no child of this process, but dies with
// it. Its methods are safe for concurrent use.
type Process struct {
	conn     *net.UnixConn // to its keeper, which lives as long as this
	pid      int
	pidfd    *os.File
	watching sync.WaitGroup
	done     chan struct{}
	exit     jupyter.Exit // set before done is closed
	gone     chan struct{}

	mu    sync.Mutex
	ended bool // its id may be another's
}

func newProcess(conn *net.UnixConn, pid int, pidfd *os.File) *Process {
	return &Process{conn: conn, pid: pid, pidfd: pidfd, done: make(chan struct{}), gone: make(chan struct{})}
}

// PID returns the kernel's process id, which is also its group's and session's.
func (p *Process) PID() int { return p.pid }

// Done is closed after the kernel's process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the process ended. It is the zero value before Done is closed.
func (p *Process) Exit() jupyter.Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return jupyter.Exit{}
	}
}

// Interrupt sends SIGINT to the kernel and all of its process group. After the
// kernel has ended it returns os.ErrProcessDone.
func (p *Process) Interrupt() error {
	if err := p.signalGroup(syscall.SIGINT); err != nil {
		return fmt.Errorf("interrupt kernel: %w", err)
	}
	return nil
}

// Kill sends SIGKILL to the kernel and all of its process group, and does not
// wait: that is Done.
func (p *Process) Kill() { _ = p.signalGroup(syscall.SIGKILL) }

func (p *Process) signalGroup(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return os.ErrProcessDone
	}
	return syscall.Kill(-p.pid, s)
}

// Close ends the kernel and everything that descends from it, and waits a
// little until nothing of it is left. It may be called again.
func (p *Process) Close() error {
	p.end()
	timer := time.NewTimer(endLimit)
	defer timer.Stop()
	select {
	case <-p.gone:
		p.watching.Wait()
		return nil
	case <-timer.C:
		return fmt.Errorf("processes of the notebook do not end within %s", endLimit)
	}
}

// end tells the keeper to end it all; what it still has to say is read by watch.
func (p *Process) end() { _ = p.conn.CloseWrite() }

// watch waits for the keeper's word of the kernel's end, and then for its own.
func (p *Process) watch() {
	defer close(p.gone)
	defer p.pidfd.Close() // only waited on
	defer p.conn.Close()
	_ = p.conn.SetDeadline(time.Time{}) // Launch's is past
	r := bufio.NewReader(io.LimitReader(p.conn, maxAnswer))
	exit, ok := readExit(r)
	if !ok {
		// The keeper is gone, and the kernel with it, or will be.
		exit = jupyter.Exit{Code: -1, Signal: unix.SIGKILL}
		p.killAndWait()
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.exit = exit
	close(p.done)
	p.end() // the keeper may reap the kernel now: nobody signals it any more
	_, _ = io.Copy(io.Discard, r)
}

// readExit reads the second answer: how the kernel ended.
func readExit(r *bufio.Reader) (exit jupyter.Exit, ok bool) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return exit, false
	}
	var answer struct{ Code, Signal *int }
	if json.Unmarshal(line, &answer) != nil || answer.Code == nil || answer.Signal == nil {
		return exit, false
	}
	return jupyter.Exit{Code: *answer.Code, Signal: syscall.Signal(*answer.Signal)}, true
}

// killAndWait makes sure of the kernel's end by its pidfd, whoever it belongs
// to by now.
func (p *Process) killAndWait() {
	fd := int(p.pidfd.Fd()) //nolint:gosec // a file descriptor
	_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	deadline := time.Now().Add(endLimit)
	for {
		left := time.Until(deadline)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())) //nolint:gosec // a file descriptor
		if n > 0 || left <= 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
			return
		}
	}
}

package jupyter

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process is a launched kernel. Its methods are safe for concurrent use.
type Process struct {
	pid  int
	done chan struct{}
	exit Exit // set before done is closed
	peak int64

	mu    sync.Mutex
	ended bool // the kernel is being reaped: its id may soon be another's
}

// Exit says how a process ended.
type Exit struct {
	Code   int            // -1 where a signal ended it
	Signal syscall.Signal // 0 where it exited by itself
}

// String returns for example "exit status 3" or "signal SIGKILL".
func (e Exit) String() string {
	if e.Signal == 0 {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	if name := unix.SignalName(e.Signal); name != "" {
		return "signal " + name
	}
	return fmt.Sprintf("signal %d", int(e.Signal))
}

// PID returns the kernel's process id, which is also its group's and session's.
func (p *Process) PID() int { return p.pid }

// Done is closed after the kernel's process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the process ended. It is the zero value before Done is closed.
func (p *Process) Exit() Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return Exit{}
	}
}

// PeakMemory returns the most bytes of memory that the kernel's process, or any
// of its children that it has waited for, has had resident. It is 0 before
// Done is closed.
func (p *Process) PeakMemory() int64 {
	select {
	case <-p.done:
		return p.peak
	default:
		return 0
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

// Kill sends SIGKILL to the kernel and all of its process group. It does not
// wait: that is Done. What has left the group by a session of its own is not
// reached. It does nothing after the kernel has ended, for what is left of the
// group then is killed anyway.
func (p *Process) Kill() { _ = p.signalGroup(syscall.SIGKILL) }

func (p *Process) signalGroup(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return os.ErrProcessDone
	}
	return syscall.Kill(-p.pid, s)
}

// start runs cmd, which must make a process group of its own, and sees to its
// end.
func start(cmd *exec.Cmd, confine Confine) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	started := make(chan error)
	go onThread(func() {
		// The parent's death that Pdeathsig is about is that of the thread
		// which forked, so that thread must stay as long as the kernel does.
		err := p.fork(cmd, confine)
		started <- err
		if err == nil {
			p.wait(cmd)
		}
		if confine == nil {
			runtime.UnlockOSThread()
		}
	})
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// onThread calls f with the goroutine locked to a thread, which ends with it
// unless f unlocks it. That is never the process's first, for /proc/self shows
// what that one is in.
func onThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	other := make(chan struct{})
	go onThread(func() { close(other); f() })
	<-other // while the first is held, the other goroutine can't get it
	runtime.UnlockOSThread()
}

func (p *Process) fork(cmd *exec.Cmd, confine Confine) error {
	fork := func() (int, error) {
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		p.pid = cmd.Process.Pid
		return p.pid, nil
	}
	if confine == nil {
		_, err := fork()
		return err
	}
	err := confine(fork)
	if err != nil && p.pid != 0 {
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
	}
	return err
}

func (p *Process) wait(cmd *exec.Cmd) {
	// While it is not reaped, its id and its group's cannot become another's.
	for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		continue
	}
	p.mu.Lock()
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	p.ended = true
	_ = cmd.Wait() // its error only repeats the state, which is read below
	p.mu.Unlock()

	p.exit = Exit{Code: cmd.ProcessState.ExitCode()}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		p.exit.Signal = ws.Signal()
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		p.peak = usage.Maxrss << 10 // it is in KiB
	}
	close(p.done)
}

package executor

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// wrapperGrace is how long a program around the kernel may live on after it.
// It then ends by itself, or has put another kernel in its place.
const wrapperGrace = time.Second

// watch looks after a kernel that another program has launched: that one's
// exit doesn't tell of the kernel's, and neither do the connections while a
// child of the kernel holds them.
type watch struct {
	restarted atomic.Bool
	pidfd     *os.File
	watching  sync.WaitGroup
}

// watchKernel returns nil where pid is the launched process itself, or there
// is nothing to watch it by.
func watchKernel(p process, pid int) *watch {
	if pid <= 1 || pid == p.PID() || pid == os.Getpid() {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil
	}
	w := &watch{pidfd: os.NewFile(uintptr(fd), "pidfd")}
	w.watching.Go(func() {
		if !w.ended() {
			return
		}
		grace := time.NewTimer(wrapperGrace)
		defer grace.Stop()
		select {
		case <-p.Done():
		case <-grace.C:
			w.restarted.Store(true)
			p.Kill()
		}
	})
	return w
}

// ended returns true after the kernel's end and false after close.
func (w *watch) ended() bool {
	raw, err := w.pidfd.SyscallConn()
	if err != nil {
		return false
	}
	// A pidfd is readable when its process has ended (pidfd_open(2)).
	err = raw.Read(func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // a file descriptor
		n, _ := unix.Poll(ready, 0)
		return n > 0
	})
	return err == nil
}

func (w *watch) lost() bool { return w.restarted.Load() }

// close ends the watching. The launched process has ended.
func (w *watch) close() {
	_ = w.pidfd.Close()
	w.watching.Wait()
}

package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/dispatch"
	"quire/internal/executor"
	"quire/internal/journal"
)

// closeLimit bounds the time from the end of an executor's socket to the end
// of its process.
const closeLimit = 5 * time.Second

// Follow implements dispatch.Backend.
func (b *Backend) Follow(ctx context.Context, h quire.Handle, durable func(size int64)) error {
	id, err := identity(h)
	if err != nil {
		return err
	}
	told, fault, err := listenOn(ctx, id, durable)
	if err != nil {
		return err
	}
	if err := b.awaitExit(ctx, id); err != nil {
		return err
	}
	// Nobody writes the journal now: what a dead executor had not synced yet is
	// made durable, or cut off where it is torn.
	w, err := openJournal(ctx, quire.Job{Dir: id.Dir}.JournalPath(), &journal.WriterOptions{Durable: durable, Synced: told})
	if err != nil {
		return err
	}
	finished := w.Finished()
	if err := w.Close(); err != nil {
		return err
	}
	if b.Ended != nil {
		b.Ended(id.Dir, finished)
	}
	switch {
	case finished != nil && !finished.Retry:
		b.tidy(ctx, h, id)
		return nil
	case fault != nil:
		return &dispatch.ExecutorError{Why: *fault}
	}
	return dispatch.ErrExecutorGone
}

// lockedPause is the time between two tries to open a journal that another
// follower is closing just now.
const lockedPause = 5 * time.Millisecond

func openJournal(ctx context.Context, path string, opts *journal.WriterOptions) (*journal.Writer, error) {
	for {
		w, err := journal.Open(path, opts)
		if !errors.Is(err, journal.ErrLocked) {
			return w, err
		}
		select {
		case <-time.After(lockedPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// reconnectPause is the time between two connections that broke, before the
// next one. After the first there is none: most end with the executor.
const reconnectPause = 20 * time.Millisecond

// listenOn listens until nobody answers any more, and returns how much of the
// journal it was told to be durable, -1 if nothing. An executor hangs up on a
// follower that sleeps, while a store does not answer say: that is not its end.
func listenOn(ctx context.Context, id executor.Identity, durable func(size int64)) (told int64, fault *quire.Failure, err error) {
	told = -1
	for broken := 0; ; broken++ {
		if broken > 1 {
			select {
			case <-time.After(reconnectPause):
			case <-ctx.Done():
				return told, nil, context.Cause(ctx)
			}
		}
		err := listen(ctx, id, func(signal executor.Signal) {
			if size := signal.Durable; size != nil && *size > told {
				told = *size
				durable(*size)
			}
			if signal.Fault != nil {
				fault = signal.Fault
			}
		})
		if ended(err) {
			return told, fault, context.Cause(ctx)
		}
		if ctx.Err() != nil {
			return told, nil, context.Cause(ctx)
		}
	}
}

// ended reports whether err, of a connection to an executor's socket, says
// that it has closed the socket: it ends, or has ended.
func ended(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
}

// listen passes on what the executor tells until the connection ends, and
// returns why there was none.
func listen(ctx context.Context, id executor.Identity, tell func(executor.Signal)) error {
	conn, err := dial(ctx, id)
	if err != nil {
		return err
	}
	defer conn.Close() // only read from
	dec := json.NewDecoder(conn)
	for {
		var signal executor.Signal
		if dec.Decode(&signal) != nil {
			return nil // the end, or not: the next dial shows
		}
		tell(signal)
	}
}

// dial connects to the executor's socket, until ctx ends.
func dial(ctx context.Context, id executor.Identity) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", id.Socket())
	if err != nil {
		return nil, fmt.Errorf("connect to executor: %w", err)
	}
	return &boundConn{conn, context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
}

// boundConn is a connection that its context's end closes.
type boundConn struct {
	net.Conn
	release func() bool
}

// Close implements net.Conn.
func (c *boundConn) Close() error {
	c.release()
	return c.Conn.Close()
}

// awaitExit returns when the executor's process has ended. One that has closed
// its socket and still does not end is killed.
func (b *Backend) awaitExit(ctx context.Context, id executor.Identity) error {
	limited, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	err := waitProcess(limited, id)
	if err == nil || ctx.Err() != nil {
		return err
	}
	b.logger.Warn("executor does not end and is killed", "execution_id", id.ExecutionID, "error", err)
	killProcess(id)
	limited, cancel = context.WithTimeout(ctx, closeLimit)
	defer cancel()
	return waitProcess(limited, id)
}

// waitProcess waits for the end of a process that need not be a child.
func waitProcess(ctx context.Context, id executor.Identity) error {
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for executor: %w", err)
	}
	if !id.Alive() {
		return unix.Close(fd) // its id is another process's by now
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close() // only waited on
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })()
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("wait for executor: %w", err)
	}
	// A pidfd is readable when its process has ended (pidfd_open(2)).
	err = raw.Read(func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // a file descriptor
		n, _ := unix.Poll(ready, 0)
		return n > 0
	})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("wait for executor: %w", err)
	}
	if err != nil {
		return context.Cause(ctx)
	}
	return nil
}

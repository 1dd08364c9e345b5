package jupyter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// arrivals tells that something has come into a folder. One that is nil tells
// nothing.
type arrivals struct{ events *os.File }

// watchSockets returns the arrivals in the folder of a kernel's sockets. There
// are none over TCP, nor where the system has no room for another watcher.
func watchSockets(info ConnectionInfo) *arrivals {
	if info.Transport != transportIPC {
		return nil
	}
	a, err := watchFolder(filepath.Dir(info.IP))
	if err != nil {
		return nil
	}
	return a
}

func watchFolder(dir string) (*arrivals, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch folder: %w", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE); err != nil {
		_ = events.Close()
		return nil, fmt.Errorf("watch folder: %w", err)
	}
	return &arrivals{events}, nil
}

func (a *arrivals) close() {
	if a != nil {
		_ = a.events.Close() // only read from
	}
}

// next returns true once something has come since the last call, and false
// after d, or when ctx ends.
func (a *arrivals) next(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if a == nil {
		<-ctx.Done()
		return false
	}
	if a.events.SetReadDeadline(time.Time{}) != nil {
		<-ctx.Done()
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = a.events.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := a.events.Read(make([]byte, 4096))
	return err == nil
}

package executor

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"quire"
	"quire/internal/warm"
)

// request adds to the request for a forked kernel what encloses it: such a
// process inherits nothing from this one, so it is moved, limited and told
// which namespaces to enter while it waits. The caller calls release after the
// launch.
func (e *enclosure) request(r *warm.Request, seen []string) (release func(), err error) {
	if e == nil {
		return func() {}, nil
	}
	r.Prepare = e.prepare
	if e.isolation.Tmp != quire.MountedTmp {
		return func() {}, nil
	}
	if r.Namespaces, err = e.namespaces(seen); err != nil {
		return nil, fmt.Errorf("mount private /tmp: %w", err)
	}
	return func() {
		for _, f := range r.Namespaces {
			_ = f.Close() // only passed on
		}
	}, nil
}

// prepare puts the process into the group, or limits it.
func (e *enclosure) prepare(pid int) error { return e.prepareBy(pid, pin) }

func (e *enclosure) prepareBy(pid int, pin func(pid, n int) error) error {
	b := e.isolation.Bounds
	switch {
	case e.group == nil && b.By == "":
		return nil
	case e.group == nil:
		if err := pin(pid, b.CPUs); err != nil {
			return err
		}
		return bound(pid, b, ownTasks())
	case b.CPUs > 0 && !e.group.LimitsCPU():
		if err := pin(pid, b.CPUs); err != nil {
			return err
		}
	}
	if e.born {
		return nil
	}
	return e.group.Add(pid)
}

// namespaces makes the mount namespace of the private folders, and returns it
// after the user namespace that owns it.
func (e *enclosure) namespaces(seen []string) ([]*os.File, error) {
	var files []*os.File
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		if err := e.tmp().mount(seen); err != nil {
			made <- err
			return
		}
		var errs []error
		for _, kind := range []string{"user", "mnt"} {
			f, err := os.Open("/proc/thread-self/ns/" + kind)
			files, errs = append(files, f), append(errs, err)
		}
		made <- errors.Join(errs...)
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	return files, nil
}

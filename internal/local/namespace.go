package local

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"quire"
)

// namespaces returns with what a process must be started so that it can mount
// a private /tmp: nothing for root, else a user namespace in which it keeps
// its ids.
func namespaces() *syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		return &syscall.SysProcAttr{}
	}
	own := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: id, HostID: id, Size: 1}}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: own(os.Geteuid()), GidMappings: own(os.Getegid()),
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
}

// probe returns nil if a process with these attributes can mount. It starts
// one that changes its mounts, and then runs what is no program and can't be:
// the error of that comes last.
func probe(attr *syscall.SysProcAttr) error {
	attr.Unshareflags = unix.CLONE_NEWNS // the syscall package mounts after it
	cmd := &exec.Cmd{Path: "/dev/null/none", SysProcAttr: attr}
	err := cmd.Start()
	if errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err == nil {
		return errors.Join(errors.New("the probe could be run"), cmd.Wait())
	}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return errno
	}
	return fmt.Errorf("probe namespaces: %w", err)
}

// attributes are those of an executor's process.
func attributes(job quire.Job) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	if job.Isolation.Tmp == quire.MountedTmp {
		attr = namespaces()
	}
	attr.Setsid = true
	return attr
}

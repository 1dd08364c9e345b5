package cgroup_test

import (
	"errors"
	"os/exec"
	"runtime"

	"quire/internal/cgroup"
)

// startIn starts a command as a kernel is: from a locked thread that enters
// the group and leaves it again.
func startIn(g *cgroup.Group, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	leave, err := g.Enter()
	if err != nil {
		return err
	}
	return errors.Join(cmd.Start(), leave())
}

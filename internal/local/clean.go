package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/executor"
)

// Clean implements dispatch.Backend. The kernel dies with its executor; what
// it had started is known by the execution's id in its environment.
func (b *Backend) Clean(ctx context.Context, h quire.Handle) error {
	id, err := identity(h)
	if err != nil {
		return err
	}
	killProcess(id)
	if err := b.awaitExit(ctx, id); err != nil {
		return err
	}
	killMarked("QUIRE_EXECUTION_ID=" + string(id.ExecutionID))
	// Only a folder that an executor has made is removed, whatever the handle says.
	if strings.HasPrefix(filepath.Base(id.RunDir), "quire-") {
		if err := os.RemoveAll(id.RunDir); err != nil {
			return fmt.Errorf("remove run folder: %w", err)
		}
	}
	return nil
}

// killProcess kills the executor, if it is still the process that it was.
func killProcess(id executor.Identity) {
	if id.Alive() {
		_ = unix.Kill(id.PID, unix.SIGKILL) // it may have ended just now
	}
}

// killMarked kills every process that has the variable in its environment.
func killMarked(variable string) {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return
	}
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(append([]byte{0}, env...), []byte("\x00"+variable+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

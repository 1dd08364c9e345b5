package local

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/executor"
)

// Clean implements dispatch.Backend. The kernel dies with its executor; what
// it had started is known by its control group, and by the execution's id in
// its environment where there is no group, or it has left it.
func (b *Backend) Clean(ctx context.Context, h quire.Handle) error {
	id, err := identity(h)
	if err != nil {
		return err
	}
	for range cleanTries {
		if err = b.clean(ctx, id); quire.Shortage(err) == nil {
			return err
		}
		select {
		case <-time.After(cleanPause): // what has run out comes back by itself, and tells nobody
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// A machine that has run out of something, descriptors say, is given some ten
// seconds to recover.
const (
	cleanTries = 100
	cleanPause = 100 * time.Millisecond
)

func (b *Backend) clean(ctx context.Context, id executor.Identity) error {
	killProcess(id)
	if err := b.awaitExit(ctx, id); err != nil {
		return err
	}
	group := id.Group()
	if err := group.Kill(); err != nil {
		b.logger.Error("end the notebook's processes", "execution_id", id.ExecutionID, "error", err)
	}
	marks := []string{mark(id.ExecutionID)}
	if id.WaitedAs != "" {
		marks = append(marks, mark(id.WaitedAs))
	}
	if err := b.killMarked(ctx, marks); err != nil {
		return err
	}
	return errors.Join(group.Remove(), id.RemoveRunDir())
}

// tidy cleans up after an executor that has finished its journal, and then was
// killed before it had tidied up itself.
func (b *Backend) tidy(ctx context.Context, h quire.Handle, id executor.Identity) {
	_, err := os.Stat(id.RunDir)
	if err != nil && len(id.Group().Paths()) == 0 {
		return
	}
	if err := b.Clean(ctx, h); err != nil {
		b.logger.Error("clean up after executor", "execution_id", id.ExecutionID, "error", err)
	}
}

// killProcess kills the executor, if it is still the process that it was.
func killProcess(id executor.Identity) {
	if id.Alive() {
		_ = unix.Kill(id.PID, unix.SIGKILL) // it may have ended just now
	}
}

// killLimit bounds the killing: a process in an uninterruptible system call
// does not die before it returns.
const killLimit = 2 * time.Second

// mark is what stands in the environment of the processes of an execution.
func mark(id quire.ExecutionID) string { return "QUIRE_EXECUTION_ID=" + string(id) }

// killMarked kills every process that has one of the marks in its environment,
// until there is none: what was forked while it looked is found the next time.
func (b *Backend) killMarked(ctx context.Context, marks []string) error {
	deadline := time.Now().Add(killLimit)
	for {
		left := killOnce(marks)
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			b.logger.Error("processes of the notebook cannot be killed", "count", left)
			return nil
		}
		select {
		case <-time.After(time.Millisecond): // they die one after the other, and tell nobody in common
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// killOnce kills what it finds and returns how many that were. A process that
// has ended has no environment.
func killOnce(marks []string) (killed int) {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return 0
	}
	for _, path := range paths {
		env, err := os.ReadFile(path)
		env = append([]byte{0}, env...)
		if err != nil || !slices.ContainsFunc(marks, func(m string) bool { return bytes.Contains(env, []byte("\x00"+m+"\x00")) }) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = unix.Kill(pid, unix.SIGKILL)
			killed++
		}
	}
	return killed
}

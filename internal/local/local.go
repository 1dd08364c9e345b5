// Package local is the backend that runs executors as processes of this
// machine. An executor is this same binary, in a session of its own: it
// outlives the server that started it, and is found again by its identity.
//
// What an executor does is package executor's; when to start one is the
// dispatcher's.
package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/crash"
	"quire/internal/dispatch"
	"quire/internal/executor"
	"quire/internal/journal"
)

// startTimeout bounds the time from an executor's launch to its identity.
const startTimeout = 30 * time.Second

// Backend starts executors on this machine.
type Backend struct {
	command []string // the program and its arguments before the job's folder
	env     []string
	logger  *slog.Logger

	// Ended is called with the folder of a job whose executor has ended, and
	// with the end in its journal, nil if there is none. It must not wait. Nil:
	// nobody is told.
	Ended func(dir string, end *quire.Finished)

	// Slots are asked for an executor before one is started. Nil: there are none.
	Slots *Slots

	// Ahead are asked instead where a notebook names their kernel.
	Ahead map[string]*Slots
}

var _ dispatch.Backend = (*Backend)(nil)

// New returns a backend that runs command, followed by a job's folder, as the
// executor, with env as its whole environment.
func New(command, env []string, logger *slog.Logger) *Backend {
	return &Backend{command: command, env: env, logger: logger}
}

// Start implements dispatch.Backend. It may be repeated for the same attempt:
// the executor that runs already is then returned, or the one that has begun
// the attempt and died: an attempt is not begun twice.
func (b *Backend) Start(ctx context.Context, job quire.Job) (quire.Handle, error) {
	if id, ok := begun(job); ok {
		return json.Marshal(id)
	}
	if r := b.take(job); r != nil {
		h, err := b.startIn(ctx, r, job)
		if err == nil || ctx.Err() != nil {
			return h, err
		}
		b.logger.Warn("the executor that was kept ready is lost, another is started", "execution_id", job.ExecutionID, "error", err)
	}
	ready, told, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start executor: %w", err)
	}
	defer ready.Close() // read to its end
	x, err := b.launch(ctx, job, told)
	_ = told.Close() // the executor has its own
	if err != nil {
		return nil, err
	}
	crash.At(crash.StartBorn)
	return b.born(ctx, job, x, ready)
}

// startIn hands the job to an executor that is kept ready. After an error that
// one is gone, and has executed nothing: it tells its identity before it does.
func (b *Backend) startIn(ctx context.Context, r *ready, job quire.Job) (quire.Handle, error) {
	defer r.control.Close() // read to its end
	if err := r.give(job); err != nil {
		b.abandon(ctx, job, r.launched)
		r.end()
		return nil, fmt.Errorf("hand job over: %w", err)
	}
	crash.At(crash.StartBorn)
	h, err := b.born(ctx, job, r.launched, r.control)
	if err != nil && r.gone() {
		r.end()
	}
	return h, err
}

// born waits for the identity of an executor that was given the job.
func (b *Backend) born(ctx context.Context, job quire.Job, x launched, ready *os.File) (quire.Handle, error) {
	stop := context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := ready.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return nil, fmt.Errorf("start executor: %w", err)
	}
	line, err := bufio.NewReader(ready).ReadBytes('\n')
	if err != nil && ctx.Err() == nil {
		b.abandon(ctx, job, x)
	}
	if err != nil {
		if x.starved(job) {
			err = unix.EAGAIN
		}
		return nil, fmt.Errorf("start executor: it ended before it was ready, see its %s: %w", executor.LogFile, err)
	}
	var signal executor.Signal
	if json.Unmarshal(line, &signal) == nil && signal.Fault != nil {
		return nil, &dispatch.ExecutorError{Why: *signal.Fault}
	}
	if _, err := identity(line); err != nil {
		return nil, fmt.Errorf("start executor: %w", err)
	}
	return line, nil
}

// begun returns the executor that has begun the job's attempt, for a server
// that died before it had stored the handle.
func begun(job quire.Job) (id executor.Identity, ok bool) {
	id, err := executor.ReadIdentity(job.Dir)
	if err != nil || id.ExecutionID != job.ExecutionID || id.Attempt != job.Attempt {
		return id, false
	}
	events, err := journal.OpenFile(job.JournalPath(), -1)
	if err != nil {
		return id, false
	}
	defer events.Close() // only read from
	for {
		e, err := events.Next()
		if err != nil {
			return id, false
		}
		if e.Started != nil && int(e.Started.Attempt) == job.Attempt {
			return id, true
		}
	}
}

// launched is an executor's process as the server sees it that has started it.
type launched struct {
	process *os.Process
	exited  chan struct{} // closed when it has ended
	logged  int64         // length of its log before
}

// starved reports whether the executor ended because the machine had no thread
// for it: Go's runtime says so and ends the process.
func (x launched) starved(job quire.Job) bool {
	log, err := os.Open(filepath.Join(job.Dir, executor.LogFile))
	if err != nil {
		return false
	}
	defer log.Close() // only read from
	words := make([]byte, 1<<10)
	n, _ := log.ReadAt(words, x.logged) // less is as good
	return bytes.Contains(words[:n], []byte("Resource temporarily unavailable")) || bytes.Contains(words[:n], []byte("failed to create new OS thread"))
}

// abandon ends an executor that was never ready, with all that it has begun.
func (b *Backend) abandon(ctx context.Context, job quire.Job, x launched) {
	_ = x.process.Kill() // it may have ended by itself
	<-x.exited
	id, err := executor.ReadIdentity(job.Dir)
	if err != nil || id.PID != x.process.Pid {
		return // it had nothing yet
	}
	if err := b.clean(ctx, id); err != nil {
		b.logger.Error("clean up after executor", "execution_id", job.ExecutionID, "error", err)
	}
}

// launch starts the process, which holds no file of the server's but its log
// and the pipe on which it tells its identity, as descriptor 3.
func (b *Backend) launch(ctx context.Context, job quire.Job, told *os.File) (launched, error) {
	logTo, err := os.OpenFile(filepath.Join(job.Dir, executor.LogFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return launched{}, fmt.Errorf("open executor log: %w", err)
	}
	defer logTo.Close() // the executor has its own
	logged, err := logTo.Seek(0, io.SeekEnd)
	if err != nil {
		return launched{}, fmt.Errorf("open executor log: %w", err)
	}
	// The executor outlives the context of its start, and this server.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), b.command[0], append(b.command[1:len(b.command):len(b.command)], job.Dir)...) //nolint:gosec // the operator's own command
	cmd.Dir = job.Dir
	cmd.Env = b.env
	cmd.Stdout, cmd.Stderr = logTo, logTo
	cmd.ExtraFiles = []*os.File{told}
	cmd.SysProcAttr = attributes(job)
	if err := cmd.Start(); err != nil {
		return launched{}, fmt.Errorf("start executor: %w", err)
	}
	lower(cmd.Process.Pid)
	x := launched{cmd.Process, make(chan struct{}), logged}
	// Collects the process if it ends before this server.
	go func() {
		defer close(x.exited)
		if err := cmd.Wait(); err != nil {
			b.logger.Warn("executor ended", "execution_id", job.ExecutionID, "error", err)
		}
	}()
	return x, nil
}

// Stop implements dispatch.Backend.
func (b *Backend) Stop(ctx context.Context, h quire.Handle, why quire.Failure) error {
	id, err := identity(h)
	if err != nil {
		return err
	}
	conn, err := dial(ctx, id)
	if ended(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.Close() // the signal is out or it is not
	if err := json.NewEncoder(conn).Encode(executor.Signal{Stop: &why}); err != nil {
		return nil //nolint:nilerr // it has just ended
	}
	// The executor answers a connection with a signal of its own: once that is
	// here, ours cannot be lost to an early close.
	var answer executor.Signal
	_ = json.NewDecoder(conn).Decode(&answer)
	return context.Cause(ctx)
}

// identity reads a handle. One that is not whole leads to no executor: Clean
// kills and removes what it names.
func identity(h quire.Handle) (executor.Identity, error) {
	var id executor.Identity
	if err := json.Unmarshal(h, &id); err != nil {
		return id, fmt.Errorf("read handle: %w: %w", dispatch.ErrExecutorGone, err)
	}
	if id.ExecutionID == "" || id.PID <= 1 || id.Started == "" || !filepath.IsAbs(id.Dir) || !filepath.IsAbs(id.RunDir) {
		return id, fmt.Errorf("read handle: %w: it is not an executor's identity", dispatch.ErrExecutorGone)
	}
	return id, nil
}

package local

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/cgroup"
	"quire/internal/executor"
	"quire/jupyter"
)

const (
	// slotStart bounds the time from a slot's start to its kernel's answer.
	slotStart = time.Minute
	// slotPause is the time between the use of a slot and the start of the
	// next, which would be in the way of the notebook that has just got it.
	slotPause = 300 * time.Millisecond
	// slotRetry is the pause after a slot that did not come to be.
	slotRetry = 5 * time.Second
)

// Slots keeps executors ready whose kernels have started and wait for a job.
// One that waits ends with this server; one that has a job is like any other.
type Slots struct {
	command  []string
	env      []string
	number   int
	template func() (quire.Job, bool)
	logger   *slog.Logger
	used     chan struct{}
	filled   chan int // nil but in tests: process ids of those that wait
	told     bool     // that they are filled

	mu     sync.Mutex
	free   []*ready
	closed bool
}

// ready is an executor that waits.
type ready struct {
	launched
	template quire.Job
	control  *os.File
	runDir   string
	groups   []string
}

// NewSlots returns a pool of at most number slots, which Run fills. Command is
// the program and its arguments that call executor.Wait; template says how the
// kernels of most jobs start, and whether they can be forked now. One that
// names a kernel is for that alone, which is started cold.
func NewSlots(number int, command, env []string, template func() (quire.Job, bool), logger *slog.Logger) *Slots {
	return &Slots{number: number, command: command, env: env, template: template, logger: logger, used: make(chan struct{}, 1)}
}

// Run keeps the slots filled until ctx ends, and then ends those that wait.
func (s *Slots) Run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := s.fill(ctx)
		select {
		case <-ctx.Done():
		case <-s.used:
			pause = slotPause
		case <-time.After(pause):
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	s.mu.Lock()
	s.closed = true
	free := s.free
	s.free = nil
	s.mu.Unlock()
	for _, r := range free {
		r.end()
	}
}

// fill starts what is missing and returns when to look again.
func (s *Slots) fill(ctx context.Context) time.Duration {
	template, ok := s.template()
	if !ok {
		return slotRetry / 5 // its fork server is on the way
	}
	s.drop(func(r *ready) bool { return r.gone() || template.Kernel == "" && !fits(r.template, template) })
	for s.len() < s.number && ctx.Err() == nil {
		r, err := s.start(ctx, template)
		if err != nil {
			if ctx.Err() == nil {
				s.logger.Warn("no kernel is kept ready", "kernel", cmp.Or(template.Kernel, jupyter.DefaultKernel), "error", err)
			}
			return slotRetry
		}
		s.mu.Lock()
		s.free = append(s.free, r)
		s.mu.Unlock()
		if s.filled != nil {
			s.filled <- r.process.Pid
		}
	}
	if !s.told && ctx.Err() == nil {
		s.told = true
		s.logger.Info("kernels wait for notebooks", "kernel", cmp.Or(template.Kernel, jupyter.DefaultKernel), "number", s.number)
	}
	return slotRetry
}

func (s *Slots) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.free)
}

// drop ends the slots that are of no use any more.
func (s *Slots) drop(useless func(*ready) bool) {
	s.mu.Lock()
	var kept, gone []*ready
	for _, r := range s.free {
		if useless(r) {
			gone = append(gone, r)
		} else {
			kept = append(kept, r)
		}
	}
	s.free = kept
	s.mu.Unlock()
	for _, r := range gone {
		r.end()
	}
}

// fits reports whether a slot of the template may become the job's, whose
// kernel is the template's where that names one. The executor looks closer.
func fits(template, job quire.Job) bool {
	same := template.Kernel != "" || job.Warm != nil && *job.Warm == *template.Warm
	return same && job.Environment == nil && job.Isolation.Tmp == template.Isolation.Tmp
}

// take returns a slot for the job, or nil.
func (s *Slots) take(job quire.Job) *ready {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.free {
		if fits(r.template, job) && !r.gone() {
			s.free = append(s.free[:i:i], s.free[i+1:]...)
			select {
			case s.used <- struct{}{}:
			default:
			}
			return r
		}
	}
	return nil
}

// start returns when the slot's kernel has answered.
func (s *Slots) start(ctx context.Context, template quire.Job) (*ready, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start slot: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, errors.Join(fmt.Errorf("start slot: %w", err), unix.Close(fds[0]), unix.Close(fds[1]))
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.command[0], s.command[1:]...) //nolint:gosec // the operator's own command
	cmd.Dir = "/"
	cmd.Env = s.env
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = attributes(template)
	err = cmd.Start()
	_ = theirs.Close() // the slot has its own
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start slot: %w", err), ours.Close())
	}
	lower(cmd.Process.Pid)
	r := &ready{launched: launched{process: cmd.Process, exited: make(chan struct{})}, template: template, control: ours}
	go func() {
		defer close(r.exited)
		_ = cmd.Wait() // whoever it runs a job for sees how it ends
	}()
	if err := r.greet(ctx); err != nil {
		r.end()
		return nil, fmt.Errorf("start slot: %w", err)
	}
	return r, nil
}

func (r *ready) greet(ctx context.Context) error {
	if err := r.control.SetDeadline(time.Now().Add(slotStart)); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = r.control.SetDeadline(time.Unix(1, 0)) })()
	if err := json.NewEncoder(r.control).Encode(r.template); err != nil {
		return err
	}
	line, err := bufio.NewReader(r.control).ReadBytes('\n') // it says one line, and then nothing
	if err != nil {
		return err
	}
	var w executor.Waiting
	if err := json.Unmarshal(line, &w); err != nil {
		return err
	}
	r.runDir, r.groups = w.RunDir, w.Groups
	return ctx.Err()
}

func (r *ready) gone() bool {
	select {
	case <-r.exited:
		return true
	default:
		return false
	}
}

// give hands the job over. Its executor answers on control, as another does on
// the pipe that it was started with.
func (r *ready) give(job quire.Job) error {
	if err := r.control.SetDeadline(time.Time{}); err != nil {
		return err
	}
	return json.NewEncoder(r.control).Encode(job.Dir)
}

// end ends a slot that has no job, and waits for it.
func (r *ready) end() {
	_ = r.control.Close()
	select {
	case <-r.exited:
	case <-time.After(closeLimit):
		_ = r.process.Kill()
		<-r.exited
	}
	// One that was killed has left these.
	_ = cgroup.Find(r.groups).Remove()
	if dir := filepath.Base(r.runDir); strings.HasPrefix(dir, "quire-") {
		_ = os.RemoveAll(r.runDir)
		if r.template.Dir != "" {
			_ = os.RemoveAll(filepath.Join(r.template.Dir, dir))
		}
	}
}

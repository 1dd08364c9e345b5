package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/runner"
	"quire/internal/warm"
	"quire/jupyter"
)

// shutdownGrace bounds the time that a kernel gets to end by itself after its
// last cell: its atexit handlers run in it.
const shutdownGrace = 5 * time.Second

// interruptTimeout bounds the sending of an interrupt_request.
const interruptTimeout = time.Second

// kernel is a launched kernel that has answered, with its private folder.
type kernel struct {
	process
	forked bool
	waited bool // for a job, in a slot
	spec   jupyter.Kernelspec
	client *jupyter.Client
	info   jupyter.KernelInfo
	dir    string // private, for the sockets
	ownDir bool
	output *boundedLog
	encl   *enclosure // nil: there is none
	watch  *watch     // of the kernel where it is not the launched process
}

// startKernel launches the kernel and waits until it answers. A forked kernel
// that does not come so far is started again without a fork.
func startKernel(ctx context.Context, spec jupyter.Kernelspec, job quire.Job, opts Options) (*kernel, error) {
	k, err := tryKernel(ctx, spec, job, opts)
	if err == nil || ctx.Err() != nil || k == nil || !k.forked {
		return k, err
	}
	opts.Logger.Warn("forked kernel did not start, another is started cold", "error", err)
	job.Warm = nil
	return tryKernel(ctx, spec, job, opts)
}

// tryKernel returns the kernel, ended, beside an error that came after its launch.
func tryKernel(ctx context.Context, spec jupyter.Kernelspec, job quire.Job, opts Options) (*kernel, error) {
	k := &kernel{spec: spec, dir: opts.RunDir, encl: opts.enclosure}
	if k.dir == "" {
		var err error
		if k.dir, err = privateDir(); err != nil {
			return nil, err
		}
		k.ownDir = true
	}
	if err := k.start(ctx, job, opts.Logger); err != nil {
		k.close()
		return k, err
	}
	return k, nil
}

func (k *kernel) start(ctx context.Context, job quire.Job, logger *slog.Logger) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	info, err := k.connection()
	if err != nil {
		return err
	}
	if err := info.WriteFile(k.connectionFile()); err != nil {
		return err
	}
	env, err := environment(job)
	if err != nil {
		return err
	}
	if k.output, err = newBoundedLog(job.KernelLogPath()); err != nil {
		return err
	}
	opts := k.launchOptions(job, env)
	opts.Stdout, opts.Stderr = k.output.pipe, k.output.pipe
	err = k.launch(ctx, job, opts, logger)
	k.output.started()
	if short := quire.Shortage(err); short != nil {
		return quire.Errorf(short.Code, "the kernel %s could not be started: %s", k.spec.Name, short.Message)
	}
	if err != nil && !missing(err) {
		return err
	}
	if err != nil {
		return quire.Errorf(quire.FailedPrecondition, "the kernel %s could not be started: its program cannot be run", k.spec.Name)
	}
	yieldSession(k.PID())
	limit := job.Run.StartTimeout
	if k.forked {
		limit = min(limit, forkedLimit)
	}
	return k.connect(ctx, info, limit)
}

func (k *kernel) connectionFile() string { return filepath.Join(k.dir, "connection.json") }

// launchOptions are all but the kernel's standard files.
func (k *kernel) launchOptions(job quire.Job, env []string) jupyter.LaunchOptions {
	return jupyter.LaunchOptions{Dir: job.WorkDir, Env: k.encl.env(env), ConnectionFile: k.connectionFile(), ExtraArgs: extraArgs(k.spec)}
}

func (k *kernel) connection() (jupyter.ConnectionInfo, error) {
	if k.spec.Transport() == "tcp" {
		return jupyter.NewTCP()
	}
	return jupyter.NewIPC(k.dir)
}

var errKernelExited = errors.New("kernel exited")

// connect returns once the kernel has answered, is dead, or takes too long.
func (k *kernel) connect(ctx context.Context, info jupyter.ConnectionInfo, limit time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-k.Done():
			cancel(errKernelExited)
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(nil); <-watched }()

	var err error
	if k.client, err = jupyter.Connect(ctx, info, nil); err == nil {
		k.info, err = k.client.Ready(ctx)
	}
	if errors.Is(err, jupyter.ErrDisconnected) {
		runner.AwaitExit(k)
	}
	switch {
	case err == nil:
		k.watch = watchKernel(k.process, k.client.PeerPID())
		return nil
	case k.exited() && k.Usage().Cause() != "":
		return quire.Errorf(quire.FailedPrecondition, "the kernel %s ran out of memory while it started: %s", k.spec.Name, k.Usage().Cause())
	case k.exited():
		return quire.Errorf(quire.FailedPrecondition, "the kernel %s did not start: %s%s", k.spec.Name, k.Exit(), k.output.lastLine())
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return quire.Errorf(quire.FailedPrecondition, "the kernel %s did not answer within %s", k.spec.Name, limit)
	case errors.Is(err, jupyter.ErrDisconnected):
		return quire.Errorf(quire.FailedPrecondition, "the kernel %s closed its connections while it started%s", k.spec.Name, k.output.lastLine())
	}
	return fmt.Errorf("connect to kernel: %w", err)
}

func (k *kernel) exited() bool {
	select {
	case <-k.Done():
		return true
	default:
		return false
	}
}

func (k *kernel) ready() *quire.KernelReady {
	how := quire.ColdStart
	switch {
	case k.waited:
		how = quire.ReadyStart
	case k.forked:
		how = quire.ForkedStart
	}
	return &quire.KernelReady{
		Implementation: k.info.Implementation, ProtocolVersion: k.info.ProtocolVersion, LanguageInfo: k.info.LanguageInfo, Start: how,
	}
}

// Interrupt interrupts the running cell in the way that the kernelspec asks for.
func (k *kernel) Interrupt() error {
	if k.spec.InterruptMode != "message" {
		return k.process.Interrupt()
	}
	ctx, cancel := context.WithTimeout(context.Background(), interruptTimeout)
	defer cancel()
	_, err := k.client.Send(ctx, jupyter.Control, "interrupt_request", struct{}{})
	return err
}

// shutdown asks the kernel to end and waits a little for it.
func (k *kernel) shutdown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	if _, err := k.client.Send(ctx, jupyter.Control, "shutdown_request", map[string]bool{"restart": false}); err != nil {
		return
	}
	select {
	case <-k.Done():
	case <-ctx.Done():
	}
}

// close ends the kernel and all of its process group, and removes its folder.
func (k *kernel) close() {
	if k.process != nil {
		k.Kill()
		<-k.Done()
		if p, ok := k.process.(io.Closer); ok {
			_ = p.Close() // what does not end here has resisted SIGKILL
		}
	}
	if k.watch != nil {
		k.watch.close()
	}
	if k.client != nil {
		_ = k.client.Close() // nothing can be lost any more
	}
	if k.output != nil {
		k.output.close()
	}
	if k.ownDir {
		_ = os.RemoveAll(k.dir)
	}
}

// Usage implements runner.Memory. Without a group the kernel's own peak is
// known, after its end.
func (k *kernel) Usage() runner.Usage {
	if u, ok := k.encl.usage(); ok {
		return u
	}
	if p, ok := k.process.(interface{ PeakMemory() int64 }); ok {
		return runner.Usage{Peak: p.PeakMemory()}
	}
	return runner.Usage{}
}

// OOMKills implements runner.Memory.
func (k *kernel) OOMKills() int64 {
	if k.encl == nil || k.encl.group == nil {
		return 0
	}
	return k.encl.group.OOMKills()
}

// Restarted implements runner.Restarter.
func (k *kernel) Restarted() bool { return k.watch != nil && k.watch.lost() }

// missing reports whether err says that there is no such program, or none that
// can be run.
func missing(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOEXEC)
}

// extraArgs keeps IPython's history out of the user's files.
func extraArgs(spec jupyter.Kernelspec) []string {
	if slices.ContainsFunc(spec.Argv, func(arg string) bool { return strings.HasPrefix(arg, "ipykernel") }) {
		return []string{"--HistoryManager.hist_file=:memory:"}
	}
	return nil
}

// environment is the kernel's: what the job gives, and the inputs over it.
func environment(job quire.Job) ([]string, error) {
	env := slices.Clone(job.Env)
	if job.ExecutionID != "" {
		env = append(env, "QUIRE_EXECUTION_ID="+string(job.ExecutionID), "QUIRE_PROJECT_ID="+string(job.ProjectID))
	}
	for name, v := range job.Inputs {
		value, err := quire.EnvValue(v)
		if err != nil {
			return nil, quire.Invalid("input_variables", "%s: %v", name, err)
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}

// without leaves the variable of that name out.
func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

// memoryDir is where Linux keeps shared memory: files that live for one run
// cost no disk there.
const memoryDir = "/dev/shm"

// privateDir makes a folder of mode 0700 for sockets and the connection file.
func privateDir() (string, error) { return os.MkdirTemp(tempDir(), runDirPrefix) }

// tempDir is where folders with sockets go.
func tempDir() string {
	dir := warm.TempDir()
	if dir == "/tmp" && unix.Access(memoryDir, unix.W_OK|unix.X_OK) == nil {
		return memoryDir
	}
	return dir
}

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"quire"
	"quire/internal/auth"
	"quire/internal/cli"
	"quire/internal/dispatch"
	"quire/internal/executor"
	"quire/internal/files"
	"quire/internal/grpcapi"
	"quire/internal/local"
	"quire/internal/rest"
	"quire/internal/service"
	"quire/internal/sqlite"
	"quire/internal/threads"
	"quire/internal/warm"
	"quire/internal/web"
	"quire/internal/webhook"
	"quire/jupyter"
)

// reservedThreads are made at the start.
const reservedThreads = 64

// serve runs the server until ctx ends. Executions that run then go on, and
// are taken up by the next server.
func serve(ctx context.Context, o cli.ServeOptions, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	threads.Share()
	threads.Reserve(reservedThreads)
	logger := newLogger(stderr)
	data, unlock, err := openData(o.Data)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := sqlite.Open(ctx, filepath.Join(data, "quire.db"), nil)
	if err != nil {
		return err
	}
	defer closing(logger, store)
	projects, err := files.Open(data)
	if err != nil {
		return err
	}
	defer closing(logger, projects)
	archive, err := files.OpenArchive(data)
	if err != nil {
		return err
	}
	defer closing(logger, archive)
	host, err := local.OpenHost(data, local.HostOptions{Processes: o.MaxProcesses, Logger: logger})
	if err != nil {
		return err
	}
	defer closing(logger, host)
	if err := host.Sweep(ctx, archive.Path); err != nil {
		logger.Error("remove control groups", "error", err)
	}
	python, prefix, err := local.PythonPrefix(ctx, cmp.Or(o.Python, "python3"))
	if err != nil {
		return err
	}
	environments, err := openEnvironments(o.Environments, data, python)
	if err != nil {
		return err
	}
	jobs, err := newJobs(o, python, prefix, projects, archive, logger)
	if err != nil {
		return err
	}
	jobs.Host, jobs.Environments, jobs.Waiting = host, environments.Dir(), filepath.Join(data, "waiting")
	if err := executor.SweepWaiting(jobs.Waiting); err != nil {
		logger.Error("remove what waiting executors have left", "error", err)
	}
	pool := warm.New(&warm.Options{Dir: warm.PoolDir(data), Logger: logger})
	defer pool.Close()
	if !o.Cold {
		jobs.Warm = warmest(pool, preload(o))
		jobs.Built = built(environments, logger)
		jobs.WarmUp()
	}
	if !o.Cold && !o.NoLearn {
		jobs.Learner = local.NewLearner(store, archive, logger)
		jobs.Learner.Then = jobs.WarmLearned
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	command := executorCommand(self, executorSum, logger)
	backend := local.New(command, executorEnv(), logger)
	backend.Ended = func(dir string, end *quire.Finished) {
		jobs.WarmAfter(dir)
		jobs.Learner.Ended(dir, end)
	}
	waiting := append(slices.Clip(command), "--wait")
	if !o.Cold && o.Ready > 0 {
		backend.Slots = local.NewSlots(o.Ready, waiting, executorEnv(), jobs.Template, logger)
	}
	if backend.Ahead, err = ahead(o, jobs, waiting, logger); err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	dispatcher := dispatch.New(store, backend, jobs, &dispatch.Options{
		MaxRunning: maxRunning(o), MaxRunningPerProject: o.Policy.MaxRunning, MaxAttempts: o.Policy.MaxAttempts,
		Logger: logger, Metrics: dispatch.NewMetrics(metrics),
	})
	parts := service.Parts{
		Store: store, Deletions: store, Files: projects, Archive: archive, Dispatcher: dispatcher, Kernels: jobs,
	}
	if !o.Environments.Ignore {
		parts.Environments = environments
	}
	svc := service.New(parts, &service.Options{
		Sender: webhook.New(&webhook.Options{Allow: o.WebhookAllow}),
		Run:    quire.RunSettings{CellTimeout: o.CellTimeout, RunTimeout: o.RunTimeout},
		Policy: o.Policy, MaxQueued: o.MaxQueued,
		Logger: logger,
	})
	if err := svc.Sweep(ctx); err != nil {
		logger.Error("sweep the data folder", "error", err)
	}
	tokens, err := auth.Open(data, &auth.Options{Logger: logger})
	if err != nil {
		return err
	}
	grpc, err := grpcapi.NewServer(tokens, grpcapi.Register(svc, tokens, o.PublicAddress), &grpcapi.Options{Logger: logger, Metrics: metrics})
	if err != nil {
		return err
	}
	defer closing(logger, grpc)
	options := &rest.Options{
		Ready: store.Ready, Metrics: metrics, Logger: logger,
		Authorize: func(ctx context.Context, token string) error {
			_, err := tokens.Authenticate(ctx, token)
			return err
		},
	}
	api, err := rest.New(grpc.Conn(), grpc.Services(), options) //nolint:contextcheck // its handlers have the contexts of their requests
	if err != nil {
		return err
	}
	pages, err := web.New(api, tokens, tokens.Key("web session"), nil)
	if err != nil {
		return err
	}
	listener, tlsConfig, err := listen(ctx, o)
	if err != nil {
		return err
	}
	logger.Info("quire serves", "address", listener.Addr().String(), "tls", tlsConfig != nil, "data", data, "python", o.Python)
	grpc.SetServing(true)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { dispatcher.Run(ctx); return nil })
	group.Go(func() error { return svc.Run(ctx) })
	if backend.Slots != nil {
		group.Go(func() error { backend.Slots.Run(ctx); return nil })
	}
	for _, slots := range backend.Ahead {
		group.Go(func() error { slots.Run(ctx); return nil })
	}
	if jobs.Learner != nil {
		group.Go(func() error { jobs.Learner.Run(ctx); return nil })
	}
	group.Go(func() error { environments.Run(ctx, logger); return nil })
	group.Go(func() error {
		return rest.Serve(ctx, listener, rest.OneAddress(grpc, pages), &rest.ServeOptions{TLS: tlsConfig, Logger: logger})
	})
	err = group.Wait()
	logger.Info("quire has stopped; running executions go on")
	return err
}

// newLogger writes text to a terminal and JSON to anything else.
func newLogger(w io.Writer) *slog.Logger {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) { //nolint:gosec // a file descriptor
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}

func closing(logger *slog.Logger, c io.Closer) {
	if err := c.Close(); err != nil {
		logger.Error("close", "error", err)
	}
}

// openData makes the data folder and locks it for this server.
func openData(dir string) (data string, unlock func(), err error) {
	if data, err = filepath.Abs(dir); err != nil {
		return "", nil, fmt.Errorf("open data folder: %w", err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", nil, fmt.Errorf("open data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("open data folder: %w", err)
	}
	// A lock of the process, not of the file: a child that is just being forked
	// would hold that for a moment after this server was killed.
	whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(lock.Fd(), unix.F_SETLK, &whole); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			return "", nil, fmt.Errorf("another quire server uses the data folder %s", data)
		}
		return "", nil, fmt.Errorf("lock data folder: %w", err)
	}
	return data, func() { _ = lock.Close() }, nil
}

func newJobs(o cli.ServeOptions, python, prefix string, projects *files.Store, archive *files.Archive, logger *slog.Logger) (*local.Jobs, error) {
	path := jupyter.SearchPath(os.Environ(), prefix)
	specs, err := jupyter.Kernels(path)
	if err != nil {
		return nil, err
	}
	if len(specs) == 0 {
		logger.Warn("no kernels found: install ipykernel into the Python environment, or name another one with --python", "python", python)
	}
	return &local.Jobs{
		Projects: projects, Executions: archive, KernelPath: path,
		Env:         local.KernelEnv(os.Environ(), o.KernelEnv, python),
		DeclaredEnv: local.KernelEnv(os.Environ(), o.KernelEnv, ""),
	}, nil
}

// ahead returns a pool for each kernelspec whose kernels the operator wants
// started ahead.
func ahead(o cli.ServeOptions, jobs *local.Jobs, command []string, logger *slog.Logger) (map[string]*local.Slots, error) {
	pools := map[string]*local.Slots{}
	for kernel, n := range o.Prestart {
		template, err := jobs.AheadTemplate(kernel)
		if err != nil {
			return nil, fmt.Errorf("--prestart %s=%d: %w", kernel, n, err)
		}
		pools[template.Kernel] = local.NewSlots(n, command, executorEnv(), func() (quire.Job, bool) { return template, true }, logger)
	}
	return pools, nil
}

// preload is what the operator names, and where that is nothing what notebooks
// import most.
func preload(o cli.ServeOptions) []string {
	if len(o.Preload) > 0 {
		return o.Preload
	}
	return warm.Preload()
}

// warmest finds kernels that have imported the modules, and better those of a
// list that was learned.
func warmest(pool *warm.Pool, modules []string) func(python string, env []string, learned ...[]string) string {
	return func(python string, env []string, learned ...[]string) string {
		base := warm.Key{Python: python, Env: env, Preload: modules}
		var better []warm.Key
		for _, list := range learned {
			more := slices.DeleteFunc(slices.Clone(list), func(module string) bool { return slices.Contains(modules, module) })
			if len(more) == 0 {
				break // there is nothing better than the base
			}
			better = append(better, warm.Key{Python: python, Env: env, Preload: modules, Learned: more})
		}
		return pool.Best(base, better...)
	}
}

// maxRunning is twice the number of processors, four at least: notebooks wait
// more than they compute.
func maxRunning(o cli.ServeOptions) int {
	if o.MaxRunning > 0 {
		return o.MaxRunning
	}
	return max(4, 2*runtime.NumCPU())
}

// listen opens the address, and writes it to o.AddressFile where one is named.
func listen(ctx context.Context, o cli.ServeOptions) (net.Listener, *tls.Config, error) {
	var config *tls.Config
	if o.TLSCert != "" || o.TLSKey != "" {
		cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return nil, nil, fmt.Errorf("load TLS certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	if o.AddressFile != "" {
		if err := os.WriteFile(o.AddressFile+".new", []byte(listener.Addr().String()+"\n"), 0o600); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("write address file: %w", err), listener.Close())
		}
		if err := os.Rename(o.AddressFile+".new", o.AddressFile); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("write address file: %w", err), listener.Close())
		}
	}
	return listener, config, nil
}

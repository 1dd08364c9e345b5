// Command quire runs Jupyter notebooks: as a service (quire serve), and one at
// a time (quire run). This package wires the parts together and nothing else.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"quire/internal/cli"
	"quire/internal/executor"
	"quire/internal/local"
)

// version is set by the linker in a release.
var version = "" //nolint:gochecknoglobals // the linker's -X needs one

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	status := cli.Main(ctx, cli.Programs{
		Serve:    serve,
		Executor: runExecutor,
		Wait:     waitForJob,
		Version:  versionOf(),
	}, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// readyDescriptor is the pipe on which the local backend waits for an
// executor's identity.
const readyDescriptor = 3

func runExecutor(ctx context.Context, dir string) error {
	reserveThreads(executorThreads)
	ready := os.NewFile(readyDescriptor, "ready")
	if _, err := ready.Stat(); err != nil {
		ready = nil // run by hand
	} else {
		syscall.CloseOnExec(readyDescriptor)
	}
	return executor.Main(context.WithoutCancel(ctx), dir, ready, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
}

func waitForJob(ctx context.Context) error {
	syscall.CloseOnExec(readyDescriptor)
	return executor.Wait(ctx, os.NewFile(readyDescriptor, "control"), local.LogFile, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
}

func versionOf() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

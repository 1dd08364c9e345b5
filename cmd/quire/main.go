// Command quire runs Jupyter notebooks: as a service (quire serve), and one at
// a time (quire run). This package wires the parts together and nothing else.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"quire/internal/cli"
	"quire/internal/executor"
)

// version is set by the linker in a release.
var version = "" //nolint:gochecknoglobals // the linker's -X needs one

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	status := cli.Main(ctx, cli.Programs{
		Serve:    serve,
		Executor: executor.Program,
		Wait:     executor.WaitProgram,
		Version:  versionOf(),
	}, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
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

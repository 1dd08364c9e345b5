// Command quire-executor is `quire executor` without the rest of quire, and
// takes the same arguments. The server starts it for each execution: what a
// program of quire's size does before its main would take longer than to fork a
// kernel. internal/layers keeps it small.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"quire/internal/executor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := program(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quire-executor:", err)
		os.Exit(1)
	}
}

func program(ctx context.Context, args []string) error {
	switch {
	case len(args) != 2 || args[0] != "executor":
		return fmt.Errorf("got the arguments %q, want executor DIR: the server calls this", args)
	case slices.Equal(args, []string{"executor", "--wait"}):
		return executor.WaitProgram(ctx)
	}
	return executor.Program(ctx, args[1])
}

package executor

import (
	"context"
	"log/slog"
	"os"
	"syscall"

	"quire/internal/threads"
)

// controlDescriptor is what a backend gives an executor beside its log: the
// pipe that Main tells its identity on, or Wait's socket.
const controlDescriptor = 3

// LogFile is in the job's folder, and a backend gives it to the executor as its
// standard error.
const LogFile = "executor.log"

// reservedThreads are made at the start.
const reservedThreads = 16

// Program is Main as a process: it logs to standard error, and has descriptor 3
// for ready unless it was run by hand. The end of ctx, which is a signal, does
// not end an execution.
func Program(ctx context.Context, dir string) error {
	threads.Reserve(reservedThreads)
	ready := os.NewFile(controlDescriptor, "ready")
	if _, err := ready.Stat(); err != nil {
		ready = nil // run by hand
	} else {
		syscall.CloseOnExec(controlDescriptor)
	}
	return Main(context.WithoutCancel(ctx), dir, ready, programLog())
}

// WaitProgram is Wait as a process, with descriptor 3 for control.
func WaitProgram(ctx context.Context) error {
	syscall.CloseOnExec(controlDescriptor)
	return Wait(ctx, os.NewFile(controlDescriptor, "control"), programLog())
}

func programLog() *slog.Logger { return slog.New(slog.NewJSONHandler(os.Stderr, nil)) }

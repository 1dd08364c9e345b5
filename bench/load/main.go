// Command load queues thousands of executions on a real server, drains them,
// and prints what that took: see docs/performance.md. Everything is as in
// service but the kernel, which is package loadkernel's and starts in
// milliseconds. The program fails when an execution was lost, doubled or stuck.
//
// Its own binary is the kernel as well.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"quire/bench/loadkernel"
)

// kernelWord is the first argument of the process that is a kernel.
const kernelWord = "kernel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := program(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func program(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == kernelWord {
		return loadkernel.Main(args[1])
	}
	var p plan
	var history string
	f := flag.NewFlagSet("load", flag.ExitOnError)
	f.StringVar(&p.Quire, "quire", os.Getenv("QUIRE_BIN"), "the quire `program` under load")
	f.StringVar(&history, "history", "", "`file` that the figures are appended to, a line of JSON")
	f.StringVar(&p.Keep, "keep", "", "`folder` to work in, which is kept; a temporary one is removed")
	f.IntVar(&p.Executions, "n", 10_000, "executions that are queued before the first may run")
	f.IntVar(&p.MaxRunning, "max-running", 64, "executions that run at a time")
	f.IntVar(&p.Clients, "clients", 16, "connections that fill the queue")
	f.IntVar(&p.Probes, "probes", 500, "submissions that are timed on the idle server")
	f.DurationVar(&p.Pace, "pace", 100*time.Millisecond, "from one timed submission to the next")
	f.DurationVar(&p.Stuck, "stuck", time.Minute, "time without the end of an execution after which the rest is stuck")
	if err := f.Parse(args); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.Kernel = []string{self, kernelWord}
	p.Log = os.Stderr
	figures, err := p.measure(ctx)
	if err != nil {
		return err
	}
	if err := figures.print(os.Stdout); err != nil {
		return err
	}
	if err := figures.keep(history); err != nil {
		return err
	}
	return figures.Audit.err()
}

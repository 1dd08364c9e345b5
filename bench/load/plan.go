package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	workNotebook = "work.ipynb"
	gateNotebook = "gate.ipynb"
	// witness is the file, beside the notebooks, in which each run of one notes
	// its execution: it knows of a second run whatever Quire says.
	witness = "ran.log"
	warmUps = 50
)

// plan says what is measured.
type plan struct {
	Quire      string   // the program
	Kernel     []string // the command of the load kernel
	Keep       string
	Executions int
	MaxRunning int
	Clients    int
	Probes     int
	Pace       time.Duration
	Stuck      time.Duration
	Log        io.Writer
}

// load is a measurement under way.
type load struct {
	plan
	server *server
	client *client // with plenty of connections
	prober *client // with one of its own

	mu       sync.Mutex
	accepted map[string]int // how often each operation's id was an answer
}

func (p plan) measure(ctx context.Context) (_ *figures, err error) {
	dir := p.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "quire-load-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := startServer(ctx, p, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	l := &load{plan: p, server: s, client: newClient(s, p.Clients), accepted: map[string]int{}}
	if err := l.client.makeProject(ctx, map[string]string{
		workNotebook: "append " + witness + " $QUIRE_EXECUTION_ID\nprint ran $QUIRE_EXECUTION_ID",
		gateNotebook: "append " + witness + " $QUIRE_EXECUTION_ID\nwait " + gateSocket + "\nprint ran $QUIRE_EXECUTION_ID",
	}); err != nil {
		return nil, err
	}
	l.prober = newClient(s, 1)
	l.prober.project = l.client.project
	g, err := newGate(l.folder())
	if err != nil {
		return nil, err
	}
	defer g.open()
	return l.run(ctx, g)
}

// run takes the server through its states: at rest, every slot taken by
// executions that wait, a full queue, the drain, and everything done.
func (l *load) run(ctx context.Context, g *gate) (*figures, error) {
	f := newFigures(l.plan)
	if _, err := l.fill(ctx, workNotebook, warmUps); err != nil {
		return nil, err
	}
	if err := l.settle(ctx); err != nil {
		return nil, err
	}
	var err error
	if f.AtRest, err = l.client.memory(ctx); err != nil {
		return nil, err
	}
	if _, err := l.fill(ctx, gateNotebook, l.MaxRunning); err != nil {
		return nil, err
	}
	if err := g.await(ctx, l.MaxRunning); err != nil {
		return nil, err
	}
	if f.Waiting, err = l.client.memory(ctx); err != nil {
		return nil, err
	}
	l.say("the slots are taken; timing submissions on the idle server")
	idle, err := l.probe(ctx, l.Probes, nil)
	if err != nil {
		return nil, err
	}
	f.Idle = quantilesOf(idle)
	l.say("filling the queue")
	begin := time.Now()
	filling, err := l.fill(ctx, workNotebook, l.Executions-l.Probes)
	if err != nil {
		return nil, err
	}
	f.FillPerSecond = float64(len(filling)) / time.Since(begin).Seconds()
	f.Filling = quantilesOf(filling)
	if f.Queued, err = l.client.memory(ctx); err != nil {
		return nil, err
	}
	l.say("draining")
	begin = time.Now()
	g.open()
	draining, err := l.drain(ctx)
	if err != nil {
		return nil, err
	}
	f.Draining = quantilesOf(draining)
	f.DrainSeconds = time.Since(begin).Seconds()
	f.Drained = len(l.accepted) - warmUps
	if f.Finished, err = l.client.memory(ctx); err != nil {
		return nil, err
	}
	l.say("looking at every execution")
	f.Audit, err = l.audit(ctx)
	return f, err
}

// folder is the project's, in which the notebooks run.
func (l *load) folder() string { return filepath.Join(l.server.data, "projects", l.client.project) }

func (l *load) say(format string, args ...any) { fmt.Fprintf(l.Log, format+"\n", args...) }

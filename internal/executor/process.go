package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"quire"
	"quire/internal/crash"
	"quire/internal/journal"
	"quire/internal/runner"
)

// softMemory is from where on the collector is to run more often rather than let
// the heap double: an output of 50 MB passes through several forms, each of them
// garbage a moment later, and the memory is the notebook's to use.
const softMemory = 64 << 20

// Main is the executor's process: it runs the job in the folder dir, answers
// on a socket meanwhile, and tells its Identity on ready (one line of JSON)
// once it can be found by it, or a Signal with a Fault where it cannot begin. If another executor already runs the same
// attempt it tells that one's identity instead.
//
// Run it in a process that has nothing else to do: at the end Main kills every
// process that descends from it.
func Main(ctx context.Context, dir string, ready *os.File, logger *slog.Logger) error {
	return mainOf(ctx, dir, ready, logger, nil)
}

func mainOf(ctx context.Context, dir string, ready *os.File, logger *slog.Logger, s *slot) error {
	debug.SetMemoryLimit(softMemory)
	err := serve(ctx, dir, ready, logger, s)
	if f := lastWords(err); f != nil && ready != nil {
		_ = json.NewEncoder(ready).Encode(Signal{Fault: f}) // nobody listens where the identity was told
	}
	return err
}

// lastWords says why an executor ends that cannot keep its journal, where the
// machine is at fault.
func lastWords(err error) *quire.Failure {
	short := quire.Shortage(err)
	if short == nil {
		return nil
	}
	return &quire.Failure{Kind: quire.QuireFault, Message: "Quire could not go on: " + short.Message}
}

func serve(ctx context.Context, dir string, ready *os.File, logger *slog.Logger, s *slot) error {
	if err := closeInherited(); err != nil {
		return err
	}
	if err := adoptOrphans(); err != nil {
		return err
	}
	job, err := readJob(dir)
	if err != nil {
		return err
	}
	server, encl := newServer(), &enclosure{}
	if s != nil {
		server, encl = s.server, s.encl
		defer s.close()
	}
	defer server.close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	server.onStop = func(f quire.Failure) { stop(&runner.Stop{Failure: f}) }
	defer onTerminate(func() {
		stop(&runner.Stop{Failure: quire.Failure{Kind: quire.Cancelled, Message: "the executor was told to end"}})
	})()

	id := Identity{
		ExecutionID: job.ExecutionID, PID: os.Getpid(), Started: processStart(os.Getpid()), Boot: bootID(),
		Attempt: job.Attempt, Dir: dir, RunDir: server.dir, Groups: job.Isolation.Groups,
	}
	id.WaitedAs = s.mark()
	if encl.group != nil {
		id.Groups = encl.group.Paths()
	}
	s.fit(job, logger)
	encl.isolation, encl.dir = job.Isolation, server.dir
	_, err = Run(ctx, job, &Options{
		Logger:    logger,
		RunDir:    filepath.Join(server.dir, kernelDir),
		Durable:   server.durable,
		Reap:      func() { encl.close(logger) },
		enclosure: encl,
		slot:      s,
		Opened: func() error {
			crash.At(crash.ExecutorOpened)
			if before, err := ReadIdentity(dir); err == nil {
				// Whoever held the journal before is dead, and nobody need have
				// known of it.
				if err := errors.Join(before.Group().Remove(), before.RemoveRunDir()); err != nil {
					return err
				}
			}
			if err := id.write(dir); err != nil {
				return err
			}
			s.forget()
			crash.At(crash.ExecutorIdentified)
			if err := server.start(); err != nil {
				return err
			}
			if err := encl.open(); err != nil {
				return err
			}
			crash.At(crash.ExecutorListens)
			if err := tell(ready, id); err != nil {
				return err
			}
			crash.At(crash.ExecutorTold)
			return nil
		},
	})
	if f := lastWords(err); f != nil {
		server.fail(*f)
	}
	if errors.Is(err, journal.ErrLocked) {
		if running, ok := awaitIdentity(ctx, dir, job.Attempt); ok {
			return tell(ready, running)
		}
	}
	return err
}

// kernelDir is the part of the run folder that the kernel sees.
const kernelDir = "kernel"

const (
	identityLimit = 5 * time.Second
	identityPause = 5 * time.Millisecond
)

// awaitIdentity returns the identity of the executor that runs the attempt. It
// may have the journal and not have told its identity yet.
func awaitIdentity(ctx context.Context, dir string, attempt int) (Identity, bool) {
	ctx, cancel := context.WithTimeout(ctx, identityLimit)
	defer cancel()
	for {
		if id, err := ReadIdentity(dir); err == nil && id.Attempt == attempt && id.Alive() {
			return id, true
		}
		select {
		case <-time.After(identityPause): // nobody tells
		case <-ctx.Done():
			return Identity{}, false
		}
	}
}

func readJob(dir string) (quire.Job, error) {
	job := quire.Job{Dir: dir}
	data, err := os.ReadFile(job.JobPath())
	if err != nil {
		return job, fmt.Errorf("read job: %w", err)
	}
	if err := job.Decode(data); err != nil {
		return job, fmt.Errorf("read job: %w", err)
	}
	job.Dir = dir
	return job, nil
}

func tell(ready *os.File, id Identity) error {
	if ready == nil {
		return nil
	}
	// A server that has died meanwhile stops nothing: the next one finds the
	// identity in the folder.
	if err := json.NewEncoder(ready).Encode(id); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("tell identity: %w", err)
	}
	return ready.Close()
}

// onTerminate calls f on SIGTERM or SIGINT until the returned function is called.
func onTerminate(f func()) (release func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		select {
		case <-signals:
			f()
		case <-done:
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

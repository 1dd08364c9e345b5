package soak_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/journal"
)

// faultKind names what a fault breaks.
type faultKind string

const (
	serverKilled     faultKind = "server-killed"            // and started at once
	serverAway       faultKind = "server-away"              // and started after a while
	serverUpgraded   faultKind = "server-upgraded"          // ended by SIGTERM, started from another file
	serversRolled    faultKind = "servers-rolled"           // several restarts in a row
	executorKilled   faultKind = "executor-killed"          // while the server runs
	executorAtStart  faultKind = "executor-killed-at-start" // before it has said who it is
	executorOrphaned faultKind = "executor-killed-alone"    // while no server runs
	executorThrice   faultKind = "executor-killed-thrice"   // in every attempt
	kernelKilled     faultKind = "kernel-killed"
	powerCut         faultKind = "power-cut"         // everything dies, journals end anywhere
	powerCutGarbled  faultKind = "power-cut-garbled" // and hold rubbish beyond
	diskFull         faultKind = "disk-full"
	readOnly         faultKind = "read-only"
	descriptorsOut   faultKind = "descriptors-run-out"
	processesRunOut  faultKind = "processes-run-out"
	secondServer     faultKind = "second-server"
)

func faultKinds() []faultKind {
	return []faultKind{
		serverKilled, serverAway, serverUpgraded, serversRolled, executorKilled, executorAtStart, executorOrphaned, executorThrice, kernelKilled,
		powerCut, powerCutGarbled, diskFull, readOnly, descriptorsOut, processesRunOut, secondServer,
	}
}

// inject breaks what f says. Faults come one after the other.
func (h *harness) inject(ctx context.Context, f fault, r *record) {
	h.breaking.Lock()
	defer h.breaking.Unlock()
	h.report.note("%s", f)
	done := false
	switch f.kind {
	case serverKilled, serverAway, serverUpgraded:
		h.awaitMoment(ctx, f, r)
		done = h.restart(ctx, f)
	case serversRolled:
		done = h.roll(ctx, f)
	case executorKilled:
		done = h.awaitMoment(ctx, f, r) && h.killExecutor(ctx, f, r)
	case executorAtStart:
		done = h.killAtStart(ctx, f)
	case executorOrphaned:
		done = h.killOrphan(ctx, f, r)
	case executorThrice:
		done = h.killThrice(ctx, f, r)
	case kernelKilled:
		done = h.awaitMoment(ctx, f, r) && h.killKernel(f, r)
	case powerCut, powerCutGarbled:
		h.awaitMoment(ctx, f, r)
		done = h.cutPower(ctx, f)
	case diskFull, readOnly, descriptorsOut, processesRunOut:
		done = h.runOut(ctx, f)
	case secondServer:
		done = h.startSecond(ctx)
	}
	h.report.count(func(rep *report) {
		if done {
			rep.faults[f.kind]++
		} else {
			rep.missed[f.kind]++
		}
	})
}

// awaitMoment returns when the target is where the fault is to hit it, or
// false if it does not come there.
func (h *harness) awaitMoment(ctx context.Context, f fault, r *record) bool {
	ctx, cancel := context.WithTimeout(ctx, targetLimit)
	defer cancel()
	there := func() bool {
		switch f.when {
		case starting:
			return r.progress.State == quire.Starting || r.progress.State == quire.Running
		case running, finishing:
			return r.cell >= gateCell
		case anyTime:
		}
		return r.id != ""
	}
	r.await(ctx, func() bool { return there() || r.over() })
	if f.when == finishing && ctx.Err() == nil {
		h.openGate(r)
		r.await(ctx, func() bool { return r.progress.CellsDone >= r.progress.CellsTotal-1 || r.over() })
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.id != "" && !r.over()
}

// atGate reports whether the execution cannot go on by itself. The caller
// holds r.mu.
func (r *record) atGate() bool { return r.kind.waits && !r.gateOpen }

// restart ends the server and starts it again.
func (h *harness) restart(ctx context.Context, f fault) bool {
	signal := syscall.SIGKILL
	if f.kind == serverUpgraded {
		signal = syscall.SIGTERM
		h.server.upgrade()
	}
	h.stop(signal)
	if f.kind == serverAway {
		wait(ctx, f.pause)
	}
	return h.startAgain(ctx)
}

// stop ends the server by a signal.
func (h *harness) stop(signal syscall.Signal) {
	begun := time.Now()
	if err := h.server.stop(signal); err != nil {
		h.report.discrepancy("%v", err)
	}
	if signal == syscall.SIGTERM {
		h.report.count(func(rep *report) { rep.stopped = append(rep.stopped, time.Since(begun)) })
	}
}

// roll restarts the server again and again, as it comes.
func (h *harness) roll(ctx context.Context, f fault) bool {
	for i := range 2 + f.amount%3 {
		signal := syscall.SIGKILL
		if f.amount>>(4+i)&1 == 0 {
			signal = syscall.SIGTERM
		}
		h.server.upgrade()
		h.stop(signal)
		if !h.startAgain(ctx) {
			return false
		}
		if !wait(ctx, f.pause/4) {
			return false
		}
	}
	return true
}

// startAgain starts the server after one has ended, and holds it to taking up
// in time what is under way.
func (h *harness) startAgain(ctx context.Context) bool {
	under := h.underWay()
	h.report.count(func(rep *report) { rep.starts++ })
	if !h.startServer(ctx) {
		return false
	}
	begun := time.Now()
	for r, want := range under {
		var got execution
		err := poll(ctx, max(slack(takeUpLimit)-time.Since(begun), pollingStep), func() (bool, error) {
			return h.client.get(ctx, pollingStep, "/quire/v1/executions/"+r.id, &got) == nil && takenUp(got, want), nil
		})
		if err != nil && ctx.Err() == nil {
			h.report.discrepancy("%s is not taken up within %s: the server says %+v, its journal said %+v", r, slack(takeUpLimit), got, want)
		}
	}
	h.report.count(func(rep *report) { rep.takenUp = append(rep.takenUp, time.Since(begun)) })
	return true
}

// startServer starts the server, if need be at the second or third time.
func (h *harness) startServer(ctx context.Context) bool {
	for range 3 {
		err := h.server.start(ctx)
		if err == nil {
			return true
		}
		h.report.discrepancy("the next server does not start: %v: %s", err, h.server.lastWords(1))
		if !wait(ctx, time.Second) {
			break
		}
	}
	h.mu.Lock()
	h.stuck = true
	h.mu.Unlock()
	return false
}

// takenUp reports whether the server's answer is as far as the journal was.
func takenUp(got execution, want quire.Progress) bool {
	switch {
	case got.State.Ended() || got.Attempt > want.Attempt:
		return true
	case got.State == quire.Queued && got.Attempt == want.Attempt: // it is lost, and waits for the next one
		return true
	case got.Attempt < want.Attempt:
		return false
	}
	return got.CellsDone >= want.CellsDone && (want.State != quire.Running || got.State == quire.Running)
}

// underWay returns what the journals say of all that is accepted and has not
// ended. No server must run.
func (h *harness) underWay() map[*record]quire.Progress {
	under := map[*record]quire.Progress{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records {
		r.mu.Lock()
		id, over := r.id, r.over()
		r.mu.Unlock()
		if id == "" || over {
			continue
		}
		var p quire.Progress
		if reader, err := journal.OpenFile(h.server.data("executions", id, "journal"), -1); err == nil {
			for {
				e, err := reader.Next()
				if err != nil {
					break // the end, or what a power cut has left
				}
				p.Apply(e)
			}
			_ = reader.Close()
		}
		under[r] = p
	}
	return under
}

// killExecutor kills the target's executor, and holds the server to what must
// then be gone.
func (h *harness) killExecutor(ctx context.Context, f fault, r *record) bool {
	all := processes()
	executor, ok := executors(all)[r.id]
	if !ok {
		return false
	}
	dying := watchDeath(family(all, executor, r.id))
	h.lose(f, r, executor)
	begun := time.Now()
	executor.signal(syscall.SIGKILL)
	took, left := dying.await(ctx, begun, slack(goneLimit))
	if len(left) > 0 {
		h.report.discrepancy("%s: %s after its executor was killed there are still %v", r, slack(goneLimit), left)
	} else {
		h.report.count(func(rep *report) { rep.gone = append(rep.gone, took) })
	}
	return true
}

// lose notes that the attempt of an executor is lost, just before it is.
func (h *harness) lose(f fault, r *record, executor process) {
	attempt := h.attemptOf(r.id)
	r.change(func() {
		// An attempt of which nothing was told, or all that was written is lost
		// in a power cut, has not been: its number comes again.
		sure := r.atGate() && r.progress.Attempt == attempt && f.kind != powerCut && f.kind != powerCutGarbled
		r.hits = append(r.hits, hit{fault: f.kind, what: lost, attempt: attempt, sure: sure})
	})
	h.report.note("%s: the executor %d of attempt %d is killed", r, executor.pid, attempt)
}

// attemptOf returns the number of the newest attempt that has a job.
func (h *harness) attemptOf(id string) int {
	var job quire.Job
	data, err := os.ReadFile(h.server.data("executions", id, job.JobPath()))
	if err == nil {
		err = job.Decode(data)
	}
	if err != nil {
		return 0
	}
	return job.Attempt
}

// killAtStart kills the next executor that starts, whosever it is.
func (h *harness) killAtStart(ctx context.Context, f fault) bool {
	before := executors(processes())
	done := false
	_ = poll(ctx, 2*f.pause, func() (bool, error) { // that none has started says done
		for id, executor := range executors(processes()) {
			r := h.recordOf(id)
			if executor.pid == before[id].pid || r == nil {
				continue
			}
			h.lose(f, r, executor)
			done = executor.signal(syscall.SIGKILL)
			return true, nil
		}
		return false, nil
	})
	return done
}

// recordOf returns the round's record of an execution, nil where there is none
// yet: its submit may not be answered.
func (h *harness) recordOf(id string) *record {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records {
		r.mu.Lock()
		found := r.id == id
		r.mu.Unlock()
		if found {
			return r
		}
	}
	return nil
}

// killOrphan kills the target's executor while there is no server.
func (h *harness) killOrphan(ctx context.Context, f fault, r *record) bool {
	h.awaitMoment(ctx, f, r)
	h.stop(syscall.SIGKILL)
	executor, ok := executors(processes())[r.id]
	if ok {
		h.lose(f, r, executor)
		executor.signal(syscall.SIGKILL)
	}
	wait(ctx, f.pause)
	return h.startAgain(ctx) && ok
}

// killThrice kills the target's executor in each of its attempts.
func (h *harness) killThrice(ctx context.Context, f fault, r *record) bool {
	f.when = running
	for range 3 {
		r.mu.Lock()
		before := r.retries
		r.mu.Unlock()
		if !h.awaitMoment(ctx, f, r) || !h.killExecutor(ctx, f, r) {
			return false
		}
		limited, cancel := context.WithTimeout(ctx, targetLimit)
		r.await(limited, func() bool { return r.retries > before || r.over() })
		cancel()
	}
	return true
}

// killKernel kills the target's kernel.
func (h *harness) killKernel(f fault, r *record) bool {
	all := processes()
	executor, ok := executors(all)[r.id]
	if !ok {
		return false
	}
	k, ok := kernel(family(all, executor, r.id), r.id)
	if !ok {
		return false
	}
	signal := unix.SIGSEGV
	if f.kill {
		signal = unix.SIGKILL
	}
	attempt := h.attemptOf(r.id)
	r.change(func() {
		sure := r.atGate() && r.cell >= gateCell
		r.hits = append(r.hits, hit{fault: f.kind, what: died, attempt: attempt, signal: unix.SignalName(signal), sure: sure})
	})
	h.report.note("%s: the kernel %d of attempt %d gets %s", r, k.pid, attempt, signal)
	return k.signal(signal)
}

// startSecond starts another server on the data folder, which must refuse.
func (h *harness) startSecond(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, slack(startLimit))
	defer cancel()
	cmd := h.server.command(limited, "127.0.0.1:0", filepath.Join(h.dir, "second"))
	out, err := cmd.CombinedOutput()
	if err == nil || limited.Err() != nil || !strings.Contains(string(out), "another quire server uses the data folder") {
		h.report.discrepancy("the second server ended with %v and said %q", err, out)
	}
	return true
}

package runner

import (
	"context"
	"encoding/json"
	"time"

	"quire"
	"quire/jupyter"
)

// executeRequest is the content of an execute_request (messaging
// specification, "Execute"). Stdin is refused with the kernel's own error.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// executeReply is the part of an execute_reply that a run depends on.
type executeReply struct {
	Status         string   `json:"status"`
	ExecutionCount int32    `json:"execution_count"`
	ErrorName      string   `json:"ename"`
	ErrorValue     string   `json:"evalue"`
	Traceback      []string `json:"traceback"`
	Payload        []struct {
		Source string `json:"source"`
	} `json:"payload"`
}

// asksExit reports whether the cell told the kernel to exit (exit() and quit()
// in IPython), which is a successful end of the notebook.
func (r *executeReply) asksExit() bool {
	for _, p := range r.Payload {
		if p.Source == "ask_exit" {
			return true
		}
	}
	return false
}

// exitsWithSuccess reports whether the cell ended by sys.exit() with a status
// that means success.
func (r *executeReply) exitsWithSuccess() bool {
	return r.ErrorName == "SystemExit" && (r.ErrorValue == "0" || r.ErrorValue == "" || r.ErrorValue == "None" || r.ErrorValue == "False")
}

// exchange is one execute_request under way. It is complete after the reply
// and the idle status that belong to it.
type exchange struct {
	msgID   string
	reply   *executeReply
	idle    bool
	died    *quire.Failure // the kernel ended before the exchange was complete
	timings map[string]string
}

func (x *exchange) complete() bool { return x.reply != nil && x.idle }

// cell runs one cell. It returns how the execution ended if it did so here.
func (r *run) cell(ctx context.Context, c planCell) (*quire.Finished, error) {
	if ctx.Err() != nil {
		return r.failed(stopCause(ctx)), nil
	}
	if err := r.emit(quire.Event{CellStarted: &quire.CellStarted{Cell: c.index, ID: c.id}}); err != nil {
		return nil, err
	}
	x, err := r.execute(ctx, executeRequest{
		Code: c.source, StoreHistory: true, StopOnError: !c.tolerant,
	}, func(msgID string) { r.tr.begin(msgID, c.index) }, r.tr.translate)
	if err != nil {
		return nil, err
	}
	r.tr.syncOutputWidgets(ctx, r.kernel)

	done := quire.CellFinished{Cell: c.index, ID: c.id, Timing: x.timings, ExecutionCount: r.tr.executionCount(c.index)}
	end := r.outcome(c, x, &done)
	if err := r.emit(quire.Event{CellFinished: &done}); err != nil {
		return nil, err
	}
	return end, nil
}

// outcome fills in how a cell ended, and returns the execution's end if the
// run is not to go on.
func (r *run) outcome(c planCell, x *exchange, done *quire.CellFinished) *quire.Finished {
	if x.reply != nil {
		done.ErrorName, done.ErrorValue, done.Traceback = x.reply.ErrorName, x.reply.ErrorValue, x.reply.Traceback
		if x.reply.ExecutionCount != 0 {
			done.ExecutionCount = x.reply.ExecutionCount
		}
	}
	at := func(f quire.Failure) *quire.Finished {
		index := int(c.index)
		f.Cell, f.CellID = &index, c.id
		return r.failed(&f)
	}
	switch {
	case r.stopped != nil:
		done.Status = quire.CellInterrupted
		if x.reply != nil && x.reply.Status == "ok" {
			done.Status = quire.CellOK
		}
		if done.ErrorName == "" && done.Status == quire.CellInterrupted {
			done.ErrorName, done.ErrorValue = "Interrupted", r.stopped.Message
		}
		return at(*r.stopped)
	case x.died != nil:
		done.Status = quire.CellLost
		done.ErrorName, done.ErrorValue = "KernelDied", x.died.Message
		return at(*x.died)
	case x.reply.Status == "ok" && x.reply.asksExit():
		done.Status = quire.CellOK
		return &quire.Finished{State: quire.Succeeded}
	case x.reply.Status == "ok":
		done.Status = quire.CellOK
		return nil
	case x.reply.exitsWithSuccess():
		done.Status = quire.CellOK
		return &quire.Finished{State: quire.Succeeded}
	case c.tolerant:
		done.Status, done.Tolerated = quire.CellError, true
		return nil
	}
	done.Status = quire.CellError
	message := "the cell raised " + x.reply.ErrorName
	if x.reply.ErrorName == "" {
		message = "the kernel answered with the status " + x.reply.Status
	}
	return at(quire.Failure{
		Kind: quire.CellFailed, Message: message,
		ErrorName: x.reply.ErrorName, ErrorValue: x.reply.ErrorValue, Traceback: x.reply.Traceback,
	})
}

// execute sends a request and handles all messages until the exchange is
// complete, the kernel is dead, or its time is over. begin is told the
// request's id before anything can arrive for it. The error is emit's.
func (r *run) execute(ctx context.Context, req executeRequest, begin func(msgID string), translate func(*jupyter.Message) []quire.Event) (*exchange, error) {
	x := &exchange{timings: map[string]string{}}
	// The request must reach the kernel whole even if the run is cancelled now.
	id, err := r.kernel.Send(context.WithoutCancel(ctx), jupyter.Shell, "execute_request", req)
	if err != nil {
		x.died = r.died()
		return x, nil
	}
	x.msgID = id
	begin(id)
	w := r.newWatch(ctx)
	defer w.close()
	for !x.complete() {
		msg, err := r.kernel.Receive(w.ctx)
		if err != nil {
			if w.expired() {
				if over := w.escalate(x); over {
					return x, nil
				}
				continue
			}
			// The connection is gone, and the kernel with it.
			x.died = r.died()
			return x, nil
		}
		x.observe(msg)
		if x.reply != nil {
			w.replied()
		}
		r.refuseInput(ctx, msg)
		for _, e := range translate(msg) {
			if err := r.emit(e); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

// refuseInput ends an input_request, which a kernel must not send after
// allow_stdin=false, by an end of file.
func (r *run) refuseInput(ctx context.Context, msg *jupyter.Message) {
	if msg.Channel == jupyter.Stdin && msg.Header.MsgType == "input_request" {
		// A lost connection shows at the next Receive.
		_, _ = r.kernel.Send(ctx, jupyter.Stdin, "input_reply", map[string]string{"value": "\x04"})
	}
}

// observe takes note of what completes the exchange and of its timing, which
// is recorded under the names that Jupyter gives it in a cell's metadata.
func (x *exchange) observe(msg *jupyter.Message) {
	if msg.ParentHeader.MsgID != x.msgID {
		return
	}
	switch {
	case msg.Channel == jupyter.Shell && msg.Header.MsgType == "execute_reply":
		var reply executeReply
		if err := json.Unmarshal(msg.Content, &reply); err != nil {
			reply = executeReply{Status: "error", ErrorName: "InvalidReply", ErrorValue: "the kernel's execute_reply cannot be read"}
		}
		x.reply = &reply
		x.timings["shell.execute_reply"] = msg.Header.Date
	case msg.Channel == jupyter.IOPub && msg.Header.MsgType == "execute_input":
		x.timings["iopub.execute_input"] = msg.Header.Date
	case msg.Channel == jupyter.IOPub && msg.Header.MsgType == "status":
		switch executionState(msg) {
		case "busy":
			x.timings["iopub.status.busy"] = msg.Header.Date
		case "idle":
			x.timings["iopub.status.idle"] = msg.Header.Date
			x.idle = true
		}
	}
}

func executionState(msg *jupyter.Message) string {
	var status struct {
		State string `json:"execution_state"`
	}
	if json.Unmarshal(msg.Content, &status) != nil {
		return ""
	}
	return status.State
}

// watch gives an exchange its deadlines, one phase after the other:
//
//	running ──cell timeout or cancelled──▶ interrupted ──grace over──▶ killed
//	   └──────reply──▶ draining (idle may have been dropped) ──▶ over
//
// From each of them, the end of the kernel's process leads to lost, in which
// its last words are read. A child that has inherited the kernel's sockets
// would otherwise keep the connections alive for ever.
type watch struct {
	r      *run
	parent context.Context
	ctx    context.Context //nolint:containedctx // it is the phase itself, replaced at each step
	cancel context.CancelFunc
	phase  phase
}

type phase int

const (
	running phase = iota
	draining
	interrupted
	killed
	lost
)

// lastWords bounds the reading of what a dead kernel has still sent.
const lastWords = 200 * time.Millisecond

func (r *run) newWatch(ctx context.Context) *watch {
	w := &watch{r: r, parent: ctx}
	w.enter(running, ctx, r.opts.Run.CellTimeout)
	return w
}

// enter begins a phase that ends after d (never, if d is not positive) or with parent.
func (w *watch) enter(p phase, parent context.Context, d time.Duration) {
	w.close()
	w.phase = p
	if d > 0 {
		w.ctx, w.cancel = context.WithTimeout(parent, d)
	} else {
		w.ctx, w.cancel = context.WithCancel(parent)
	}
	if p != lost {
		context.AfterFunc(w.r.gone, w.cancel)
	}
}

func (w *watch) close() {
	if w.cancel != nil {
		w.cancel()
	}
}

func (w *watch) expired() bool { return w.ctx.Err() != nil }

// replied waits for the idle status from now on, for a bounded time only: the
// kernel's PUB socket drops messages when it overflows.
func (w *watch) replied() {
	if w.phase == running || w.phase == interrupted {
		w.enter(draining, context.WithoutCancel(w.parent), w.r.opts.Run.IOPubTimeout)
	}
}

// escalate goes to the next phase and reports whether the exchange is over.
func (w *watch) escalate(x *exchange) bool {
	detached := context.WithoutCancel(w.parent)
	if w.r.gone.Err() != nil && w.phase != lost {
		w.enter(lost, detached, lastWords)
		return false
	}
	switch w.phase {
	case running:
		if w.parent.Err() != nil {
			w.r.stopped = stopCause(w.parent)
		} else {
			w.r.stopped = limitFailure("cell_timeout", w.r.opts.Run.CellTimeout, "the cell")
		}
		// A kernel that can't be interrupted is killed after the grace period.
		_ = w.r.process.Interrupt()
		w.enter(interrupted, detached, w.r.opts.Run.InterruptGrace)
		return false
	case interrupted:
		w.r.process.Kill()
		w.enter(killed, detached, exitWait)
		return false
	case killed, lost:
		x.died = w.r.died()
	case draining:
	}
	return true
}

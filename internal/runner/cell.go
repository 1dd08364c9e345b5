package runner

import (
	"context"
	"encoding/json"
	"fmt"

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
		return failed(stopCause(ctx)), nil
	}
	if r.opts.Memory != nil {
		r.killed = r.opts.Memory.OOMKills()
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
		return failed(&f)
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
	var limit int64
	u := r.usage()
	if u.OOMKills > r.killed {
		limit = u.Limit
		message += fmt.Sprintf("; meanwhile the system killed a process of the notebook for want of memory (limit %s, peak %s)", Size(u.Limit), Size(u.Peak))
	}
	return at(quire.Failure{
		Kind: quire.CellFailed, Message: message, MemoryLimit: limit,
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
	for p := running; p != over; {
		if p, err = r.exchange(ctx, p, x, translate); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// exchange handles messages during one phase and returns the next.
func (r *run) exchange(ctx context.Context, p phase, x *exchange, translate func(*jupyter.Message) []quire.Event) (phase, error) {
	limited, release := r.limit(ctx, p)
	defer release()
	for {
		msg, err := r.kernel.Receive(limited)
		switch {
		case err != nil && limited.Err() != nil:
			return r.escalate(ctx, p, x), nil
		case err != nil:
			// The connection is gone, and the kernel with it.
			x.died = r.died()
			return over, nil
		}
		if restarting(msg, r.served) || r.session.changed(msg) {
			x.died = r.restarted()
			return over, nil
		}
		x.observe(msg)
		r.refuseInput(ctx, msg)
		for _, e := range translate(msg) {
			if err := r.emit(e); err != nil {
				return over, err
			}
		}
		switch {
		case x.complete():
			r.served = true
			return over, nil
		case x.reply != nil && (p == running || p == interrupted):
			return draining, nil
		}
	}
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

package runner

import (
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/jupyter"
)

// exitWait bounds the time between a lost connection and the exit of the
// kernel's process.
const exitWait = time.Second

// Restarter is a Process that notices when the kernel ended while the process
// that was launched, a program around it, lived on.
type Restarter interface {
	Restarted() bool // valid after Done is closed
}

// Restarted is what a run comes to whose kernel lost its state.
const Restarted = "the kernel was restarted behind Quire's back: its state is lost"

// AwaitExit waits for the exit that a lost connection announces, which tells
// why, and reports whether it has come in time.
func AwaitExit(p Process) bool {
	timer := time.NewTimer(exitWait)
	defer timer.Stop()
	select {
	case <-p.Done():
		return true
	case <-timer.C:
		return false
	}
}

// died waits for the exit that a lost connection announces.
func (r *run) died() *quire.Failure {
	if !AwaitExit(r.process) {
		return r.restarted()
	}
	if p, ok := r.process.(Restarter); ok && p.Restarted() {
		return r.restarted()
	}
	f := &quire.Failure{Kind: quire.KernelDied}
	exit := r.process.Exit()
	if exit.Signal != 0 {
		f.Signal = unix.SignalName(exit.Signal)
	} else {
		f.ExitStatus = &exit.Code
	}
	return r.explain(f, "the kernel died: "+exit.String())
}

// restarted is the failure of a kernel whose process lives on without its
// connections, or with another kernel: it is killed.
func (r *run) restarted() *quire.Failure {
	r.process.Kill()
	<-r.process.Done()
	return r.explain(&quire.Failure{Kind: quire.KernelDied}, Restarted)
}

// explain completes the failure of a kernel that died, with a message that
// names memory where that was the cause.
func (r *run) explain(f *quire.Failure, message string) *quire.Failure {
	u := r.usage()
	f.PeakMemory = u.Peak
	switch cause := u.cause(r.killed); {
	case cause != "":
		f.Message, f.MemoryLimit = "the kernel ran out of memory: "+cause, u.Limit
	case u.Peak > 0:
		f.Message = message + " (peak memory " + Size(u.Peak) + ")"
	default:
		f.Message = message
	}
	return f
}

// session tells a kernel from another one that has taken its place. Some
// kernels name another session in each message: one counts only after two
// replies in a row.
type session struct {
	id   string
	sure bool
}

// changed takes note of a reply and reports whether another kernel sent it.
func (s *session) changed(msg *jupyter.Message) bool {
	if msg.Channel != jupyter.Shell || msg.Header.MsgType != "execute_reply" || msg.Header.Session == "" {
		return false
	}
	before := *s
	*s = session{id: msg.Header.Session, sure: before.id == msg.Header.Session}
	return before.sure && !s.sure
}

// restarting reports whether the kernel announces that it starts anew. A
// kernel may say that it starts once at first, before it takes requests.
func restarting(msg *jupyter.Message, served bool) bool {
	if msg.Channel != jupyter.IOPub || msg.Header.MsgType != "status" {
		return false
	}
	state := executionState(msg)
	return state == "restarting" || state == "starting" && served
}

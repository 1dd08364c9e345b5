package runner_test

import (
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"quire"
	"quire/internal/runner"
	"quire/jupyter"
	"quire/jupyter/jupytertest"
)

// counted is a runner.Memory whose numbers a script changes.
type counted struct{ now atomic.Pointer[runner.Usage] }

func (c *counted) Usage() runner.Usage { return *c.now.Load() }
func (c *counted) OOMKills() int64     { return c.now.Load().OOMKills }

func TestDeathByMemory(t *testing.T) {
	const limit = 512 << 20
	for _, tt := range []struct {
		name    string
		after   runner.Usage // what the counters say from the second cell on
		exit    *jupyter.Exit
		kind    quire.FailureKind
		message string
		limit   int64
	}{
		{
			"the kernel was the victim",
			runner.Usage{Peak: limit, Limit: limit, LimitReached: true, OOMKills: 2},
			&jupyter.Exit{Code: -1, Signal: syscall.SIGKILL}, quire.KernelDied,
			"the kernel ran out of memory: its limit is 512 MiB (peak 512 MiB) and the system killed it", limit,
		},
		{
			"a wrapper exited after it",
			runner.Usage{Peak: limit, Limit: limit, LimitReached: true, OOMKills: 2},
			&jupyter.Exit{Code: 1}, quire.KernelDied,
			"the kernel ran out of memory: its limit is 512 MiB (peak 512 MiB) and the system killed it", limit,
		},
		{
			"the machine had no more",
			runner.Usage{Peak: 100 << 20, Limit: limit, OOMKills: 2},
			&jupyter.Exit{Code: -1, Signal: syscall.SIGKILL}, quire.KernelDied,
			"the kernel ran out of memory: the machine had no more (peak 100 MiB) and the system killed it", limit,
		},
		{
			"another cause",
			runner.Usage{Peak: 20 << 30, Limit: 32 << 30, OOMKills: 1},
			&jupyter.Exit{Code: -1, Signal: syscall.SIGSEGV}, quire.KernelDied,
			"the kernel died: signal SIGSEGV (peak memory 20 GiB)", 0,
		},
		{
			"a child was the victim",
			runner.Usage{Peak: limit, Limit: limit, LimitReached: true, OOMKills: 2},
			nil, quire.CellFailed,
			"the cell raised E; meanwhile the system killed a process of the notebook for want of memory (limit 512 MiB, peak 512 MiB)", limit,
		},
		{"a cell that raised", runner.Usage{Peak: limit, Limit: limit, LimitReached: true, OOMKills: 1}, nil, quire.CellFailed, "the cell raised E", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			memory := &counted{}
			memory.now.Store(&runner.Usage{OOMKills: 1}) // of an earlier cell
			out := play(t, t.Context(), notebook("first", "second"), map[string]script{"second": func(c *jupytertest.Cell, p *process) {
				memory.now.Store(&tt.after)
				if tt.exit != nil {
					p.end(*tt.exit)
					return
				}
				c.Raise("E", "")
			}}, runner.Options{Run: settings(), Memory: memory})
			f := out.end.Failure
			if f == nil || f.Kind != tt.kind || f.Message != tt.message || f.MemoryLimit != tt.limit {
				t.Fatalf("got %+v, want %s %q", f, tt.kind, tt.message)
			}
			if f.Kind == quire.KernelDied && (f.PeakMemory != tt.after.Peak || (f.Signal == "") == (f.ExitStatus == nil)) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// reply answers a cell's request in the name of a session.
func reply(c *jupytertest.Cell, session string) {
	c.Kernel.Send(&jupyter.Message{
		Channel: jupyter.Shell, ParentHeader: c.Request.Header, Content: []byte(`{"status": "ok"}`),
		Header: jupyter.Header{MsgID: "reply-" + session + strconv.Itoa(c.Count), Session: session, MsgType: "execute_reply", Version: "5.3"},
	})
	c.NoReply()
}

func TestRestartBehindTheConnection(t *testing.T) {
	status := func(state string) script {
		return func(c *jupytertest.Cell, _ *process) {
			c.Kernel.Publish(nil, "status", map[string]string{"execution_state": state})
		}
	}
	from := func(session string) script {
		return func(c *jupytertest.Cell, _ *process) { reply(c, session) }
	}
	for _, tt := range []struct {
		name    string
		scripts map[string]script
		cell    int // that the run ends at; -1: it succeeds
	}{
		{"it says that it restarts", map[string]script{"second": status("restarting")}, 1},
		{"it says that it starts", map[string]script{"second": status("starting")}, 1},
		{"it says so at first, late", map[string]script{"first": status("starting")}, -1},
		{"another one answers", map[string]script{"second": from("another")}, 1},
		{"each message has its session", map[string]script{"first": from("one"), "second": from("two"), "third": from("three")}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := play(t, t.Context(), notebook("first", "second", "third"), tt.scripts, runner.Options{Run: settings(), Session: "scripted"})
			f := out.end.Failure
			if tt.cell < 0 {
				if out.end.State != quire.Succeeded {
					t.Errorf("got %+v", f)
				}
				return
			}
			if f == nil || f.Kind != quire.KernelDied || f.Message != runner.Restarted || *f.Cell != tt.cell {
				t.Errorf("got %+v", f)
			}
			if want := quire.CellLost; out.statuses()[tt.cell] != want {
				t.Errorf("got %v", out.statuses())
			}
		})
	}
}

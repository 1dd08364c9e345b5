package jupytertest_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"quire/jupyter"
	"quire/jupyter/jupytertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, k *jupytertest.Kernel) *jupyter.Client {
	t.Helper()
	c, err := jupyter.Connect(t.Context(), k.Info(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// receive returns the types of the next n messages of one channel.
func receive(t *testing.T, c *jupyter.Client, ch jupyter.Channel, n int) []string {
	t.Helper()
	var types []string
	for len(types) < n {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatalf("after %v: %v", types, err)
		}
		if m.Channel == ch {
			types = append(types, m.Header.MsgType)
		}
	}
	return types
}

func send(t *testing.T, c *jupyter.Client, ch jupyter.Channel, msgType string, content any) {
	t.Helper()
	if _, err := c.Send(t.Context(), ch, msgType, content); err != nil {
		t.Fatal(err)
	}
}

func TestCellsPublishes(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		c.Display("d", map[string]any{"text/plain": "1"})
		c.UpdateDisplay("d", map[string]any{"text/plain": "2"})
		c.Clear(true)
		c.OpenComm("w", "jupyter.widget", nil)
		c.SendComm("w", nil)
		c.CloseComm("w")
		c.Raise("ValueError", "no")
	}))
	c := connect(t, k)
	send(t, c, jupyter.Shell, "execute_request", map[string]any{"code": "x"})
	want := []string{
		"status", "execute_input", "display_data", "update_display_data", "clear_output",
		"comm_open", "comm_msg", "comm_close", "error", "status",
	}
	if diff := cmp.Diff(want, receive(t, c, jupyter.IOPub, len(want))); diff != "" {
		t.Errorf("iopub (-want +got):\n%s", diff)
	}
	var types []string
	for _, req := range k.Requests() {
		if req.Header.MsgType != "kernel_info_request" {
			types = append(types, req.Header.MsgType)
		}
	}
	if diff := cmp.Diff([]string{"execute_request"}, types); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestCellsOutOfOrder leaves out the reply of one cell and the idle of
// another, and replies late in a third.
func TestCellsOutOfOrder(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		switch c.Code {
		case "no reply":
			c.NoReply()
		case "no idle":
			c.Abort()
			c.NoIdle()
		case "idle first":
			c.GoIdle()
			c.Expressions["a"] = 1
			c.SendReply()
		}
	}))
	c := connect(t, k)
	for _, code := range []string{"no reply", "no idle", "idle first"} {
		send(t, c, jupyter.Shell, "execute_request", map[string]any{"code": code, "silent": true})
	}
	var got []string
	for len(got) < 7 {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		var content struct {
			State       string         `json:"execution_state"`
			Status      string         `json:"status"`
			Expressions map[string]int `json:"user_expressions"`
		}
		if err := json.Unmarshal(m.Content, &content); err != nil {
			t.Fatal(err)
		}
		if m.Channel == jupyter.Shell && content.Status == "ok" && content.Expressions["a"] != 1 {
			t.Errorf("got reply %s, want its expressions", m.Content)
		}
		got = append(got, content.State+content.Status)
	}
	counts := map[string]int{}
	for _, what := range got {
		counts[what]++
	}
	if diff := cmp.Diff(map[string]int{"busy": 3, "idle": 2, "aborted": 1, "ok": 1}, counts); diff != "" {
		t.Errorf("states and replies (-want +got):\n%s", diff)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		<-c.Interrupted()
		c.Raise("KeyboardInterrupt", "")
	}))
	c := connect(t, k)
	send(t, c, jupyter.Shell, "execute_request", map[string]any{"code": "wait"})
	send(t, c, jupyter.Control, "interrupt_request", nil)
	want := []string{"status", "execute_input", "error", "status"}
	if diff := cmp.Diff(want, receive(t, c, jupyter.IOPub, len(want))); diff != "" {
		t.Errorf("iopub (-want +got):\n%s", diff)
	}
	send(t, c, jupyter.Control, "shutdown_request", map[string]any{"restart": false})
	<-k.Done()
}

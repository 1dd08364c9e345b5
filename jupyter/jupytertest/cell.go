package jupytertest

import (
	"encoding/json"

	"quire/jupyter"
)

// Cell is one execute_request that a Cells handler works on. Its methods
// publish what a real kernel would publish for the same.
type Cell struct {
	*Kernel
	Request *jupyter.Message
	Count   int // the execution_count that it was given

	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
	UserExpressions map[string]string `json:"user_expressions"`

	// Expressions is what the reply says user_expressions came to.
	Expressions map[string]any

	reply         map[string]any
	replied, idle bool
}

// Cells returns a handler that answers execute_request as a kernel does: busy,
// execute_input, whatever run publishes, the reply, idle. It ignores all other
// requests. Run may reply and go idle itself, in any order; what it has done
// is not done again.
func Cells(run func(c *Cell)) Handler {
	return func(k *Kernel, req *jupyter.Message) {
		if req.Header.MsgType != "execute_request" {
			return
		}
		c := k.newCell(req)
		k.Busy(req)
		if !c.Silent {
			c.Publish("execute_input", map[string]any{"code": c.Code, "execution_count": c.Count})
		}
		run(c)
		c.SendReply()
		c.GoIdle()
	}
}

func (k *Kernel) newCell(req *jupyter.Message) *Cell {
	c := &Cell{Kernel: k, Request: req, reply: map[string]any{"status": "ok"}, Expressions: map[string]any{}}
	if err := json.Unmarshal(req.Content, c); err != nil {
		k.complain("jupytertest: execute_request: %v", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !c.Silent {
		k.count++
	}
	c.Count = k.count
	return c
}

// Publish sends a message on iopub with the cell's request as its parent.
func (c *Cell) Publish(msgType string, content any, buffers ...[]byte) {
	c.Kernel.Publish(c.Request, msgType, content, buffers...)
}

// Stream prints; name is stdout or stderr.
func (c *Cell) Stream(name, text string) {
	c.Publish("stream", map[string]any{"name": name, "text": text})
}

// Result shows the cell's value, data by MIME type.
func (c *Cell) Result(data map[string]any) {
	c.Publish("execute_result", map[string]any{
		"execution_count": c.Count, "data": data, "metadata": map[string]any{},
	})
}

// Display shows data; later UpdateDisplay calls of any cell may replace it
// under its id, which may be empty.
func (c *Cell) Display(id string, data map[string]any) { c.display("display_data", id, data) }

// UpdateDisplay replaces what was shown under id.
func (c *Cell) UpdateDisplay(id string, data map[string]any) {
	c.display("update_display_data", id, data)
}

func (c *Cell) display(msgType, id string, data map[string]any) {
	transient := map[string]any{}
	if id != "" {
		transient["display_id"] = id
	}
	c.Publish(msgType, map[string]any{"data": data, "metadata": map[string]any{}, "transient": transient})
}

// Clear empties the cell's output, at once or with the next one.
func (c *Cell) Clear(wait bool) { c.Publish("clear_output", map[string]any{"wait": wait}) }

// Raise shows an exception and makes the reply an error.
func (c *Cell) Raise(name, value string, traceback ...string) {
	if traceback == nil {
		traceback = []string{name + ": " + value}
	}
	content := map[string]any{"ename": name, "evalue": value, "traceback": traceback}
	c.Publish("error", content)
	c.reply = map[string]any{"status": "error", "ename": name, "evalue": value, "traceback": traceback}
}

// Abort makes the reply say that the cell was not run.
func (c *Cell) Abort() { c.reply = map[string]any{"status": "aborted"} }

// Ask asks the client for a line, as input() does.
func (c *Cell) Ask(prompt string, password bool) (string, bool) {
	return c.Kernel.Ask(c.Request, prompt, password)
}

// OpenComm opens a comm from the kernel's side, a widget's for example.
func (c *Cell) OpenComm(id, target string, data any, buffers ...[]byte) {
	c.Publish("comm_open", map[string]any{"comm_id": id, "target_name": target, "data": data}, buffers...)
}

// SendComm sends a message of an open comm.
func (c *Cell) SendComm(id string, data any, buffers ...[]byte) {
	c.Publish("comm_msg", map[string]any{"comm_id": id, "data": data}, buffers...)
}

// CloseComm closes a comm.
func (c *Cell) CloseComm(id string) {
	c.Publish("comm_close", map[string]any{"comm_id": id, "data": map[string]any{}})
}

// SendReply sends the execute_reply now, unless that was done before.
func (c *Cell) SendReply() {
	if c.replied {
		return
	}
	c.replied = true
	c.reply["execution_count"] = c.Count
	c.reply["payload"] = []any{}
	if c.reply["status"] == "ok" {
		c.reply["user_expressions"] = c.Expressions
	}
	c.Reply(c.Request, "execute_reply", c.reply)
}

// GoIdle publishes idle now, unless that was done before.
func (c *Cell) GoIdle() {
	if !c.idle {
		c.idle = true
		c.Idle(c.Request)
	}
}

// NoReply makes the handler leave the execute_reply out.
func (c *Cell) NoReply() { c.replied = true }

// NoIdle makes the handler leave the idle status out.
func (c *Cell) NoIdle() { c.idle = true }

package jupytertest

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"quire/jupyter"
	"quire/jupyter/internal/zmtp"
)

// Reply sends a message to the sender of req, on req's channel and with req as
// its parent. Content is marshalled; a json.RawMessage goes out as it is, valid
// or not.
func (k *Kernel) Reply(req *jupyter.Message, msgType string, content any) {
	m := k.message(req, msgType, content)
	m.Channel = req.Channel
	k.Send(m)
}

// Publish sends a message on iopub; req is its parent, nil for none. Content
// is as in Reply. Nothing is lost on a subscriber that reads slowly: Publish
// waits. Without a subscriber it does nothing, as a real kernel.
func (k *Kernel) Publish(req *jupyter.Message, msgType string, content any, buffers ...[]byte) {
	m := k.message(req, msgType, content)
	m.Channel, m.Buffers = jupyter.IOPub, buffers
	k.Send(m)
}

// Busy publishes that work on req has begun.
func (k *Kernel) Busy(req *jupyter.Message) { k.status(req, "busy") }

// Idle publishes that work on req is over.
func (k *Kernel) Idle(req *jupyter.Message) { k.status(req, "idle") }

func (k *Kernel) status(req *jupyter.Message, state string) {
	k.Publish(req, "status", map[string]any{"execution_state": state})
}

// Ask sends an input_request for req on stdin and returns the client's answer;
// it is empty, with false, when the kernel ends before that.
func (k *Kernel) Ask(req *jupyter.Message, prompt string, password bool) (string, bool) {
	m := k.message(req, "input_request", map[string]any{"prompt": prompt, "password": password})
	m.Channel = jupyter.Stdin
	if !k.awaitStdin(req.Header.Session) {
		return "", false
	}
	k.Send(m)
	select {
	case answer := <-k.inputs:
		return answer, true
	case <-k.Done():
		return "", false
	}
}

// Send signs m and sends it exactly as it is: on iopub to all subscribers,
// else to the session that its parent header names.
func (k *Kernel) Send(m *jupyter.Message) {
	parts, err := k.codec.Encode(m)
	if err != nil {
		k.complain("jupytertest: %s: %v", m.Header.MsgType, err)
		return
	}
	if m.Channel == jupyter.IOPub {
		parts = append([][]byte{[]byte("kernel." + m.Header.MsgType)}, parts...)
	}
	k.SendRaw(m.Channel, m.ParentHeader.Session, parts...)
}

// SendRaw sends the parts of a message that need not be one: on iopub to all
// subscribers, else to the given session.
func (k *Kernel) SendRaw(ch jupyter.Channel, session string, parts ...[]byte) {
	for _, conn := range k.receivers(ch, session) {
		// A client that has gone is no concern of the kernel's.
		_ = conn.Write(k.ctx, parts...)
	}
}

func (k *Kernel) receivers(ch jupyter.Channel, session string) []*zmtp.Conn {
	k.mu.Lock()
	defer k.mu.Unlock()
	var conns []*zmtp.Conn
	for conn, l := range k.conns {
		if l.channel == ch && (l.subscribed || ch != jupyter.IOPub && l.identity == session) {
			conns = append(conns, conn)
		}
	}
	return conns
}

func (k *Kernel) message(req *jupyter.Message, msgType string, content any) *jupyter.Message {
	m := &jupyter.Message{Header: jupyter.Header{
		MsgID: rand.Text(), Session: "scripted", Username: "kernel", MsgType: msgType,
		Date: time.Now().UTC().Format(time.RFC3339Nano), Version: "5.3",
	}}
	if req != nil {
		m.ParentHeader = req.Header
	}
	if raw, ok := content.(json.RawMessage); ok {
		m.Content = raw
		return m
	}
	var err error
	if m.Content, err = json.Marshal(content); err != nil {
		k.complain("jupytertest: %s: %v", msgType, err)
	}
	return m
}

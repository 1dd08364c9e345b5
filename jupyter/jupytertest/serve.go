package jupytertest

import (
	"encoding/json"
	"net"
	"slices"

	"quire/jupyter"
	"quire/jupyter/internal/zmtp"
)

func (k *Kernel) accept(ch jupyter.Channel, l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		k.running.Go(func() { k.serve(ch, nc) })
	}
}

func (k *Kernel) serve(ch jupyter.Channel, nc net.Conn) {
	socket := zmtp.Router
	if ch == jupyter.IOPub {
		socket = zmtp.Pub
	}
	conn, err := zmtp.Handshake(k.ctx, nc, socket, "", zmtp.Limits{})
	if err != nil {
		return
	}
	defer conn.Close()
	if !k.link(conn, &link{channel: ch, identity: conn.Peer().Identity}) {
		return
	}
	defer k.unlink(conn)
	for {
		m, err := conn.Read()
		if err != nil {
			return
		}
		if ch == jupyter.IOPub {
			k.subscribe(conn, m.Parts)
			continue
		}
		req, err := k.codec.Decode(ch, m.Parts)
		if err != nil {
			k.complain("jupytertest: %s request: %v", ch, err)
			return
		}
		k.handle(req)
	}
}

// link returns false when the kernel has ended: nobody would close conn then.
func (k *Kernel) link(conn *zmtp.Conn, l *link) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns[conn] = l
	close(k.linked)
	k.linked = make(chan struct{})
	return k.ctx.Err() == nil
}

// awaitStdin waits for the stdin channel of a session. A client that has sent
// a request has connected it, but that may not have been noticed yet. It
// returns false when the kernel has ended.
func (k *Kernel) awaitStdin(session string) bool {
	for {
		k.mu.Lock()
		linked := k.linked
		k.mu.Unlock()
		if len(k.receivers(jupyter.Stdin, session)) > 0 {
			return true
		}
		select {
		case <-linked:
		case <-k.Done():
			return false
		}
	}
}

func (k *Kernel) unlink(conn *zmtp.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, conn)
}

func (k *Kernel) subscribe(conn *zmtp.Conn, parts [][]byte) {
	if len(parts) != 1 || string(parts[0]) != "\x01" {
		k.complain("jupytertest: got %q on iopub, want a subscription to everything", parts)
		return
	}
	k.mu.Lock()
	k.conns[conn].subscribed = true
	k.mu.Unlock()
	if k.opts.Welcome {
		k.Publish(nil, "iopub_welcome", map[string]any{"subscription": ""})
	}
}

func (k *Kernel) handle(req *jupyter.Message) {
	k.mu.Lock()
	k.requests = append(k.requests, req)
	k.mu.Unlock()
	switch msgType := req.Header.MsgType; {
	case msgType == "kernel_info_request" && !k.opts.RawInfo:
		k.answerInfo(req)
	case msgType == "interrupt_request":
		k.Interrupt()
		k.Reply(req, "interrupt_reply", map[string]any{"status": "ok"})
	case msgType == "shutdown_request":
		k.Reply(req, "shutdown_reply", map[string]any{"status": "ok", "restart": false})
		k.Drop()
	case msgType == "input_reply":
		var content struct {
			Value string `json:"value"`
		}
		if err := json.Unmarshal(req.Content, &content); err != nil {
			k.complain("jupytertest: input_reply: %v", err)
		}
		select {
		case k.inputs <- content.Value:
		case <-k.Done():
		}
	default:
		k.handler(k, req)
	}
}

func (k *Kernel) answerInfo(req *jupyter.Message) {
	k.mu.Lock()
	deaf := k.deaf > 0
	k.deaf--
	k.mu.Unlock()
	if !deaf {
		k.Busy(req)
	}
	language := k.opts.Language
	if language == nil {
		language = json.RawMessage(`{"name": "python", "version": "3.11.0", "file_extension": ".py"}`)
	}
	k.Reply(req, "kernel_info_reply", map[string]any{
		"status": "ok", "protocol_version": "5.3", "implementation": "scripted",
		"implementation_version": "1", "banner": "A scripted kernel", "language_info": language,
	})
	if !deaf {
		k.Idle(req)
	}
}

// Requests returns what has come on shell, control and stdin so far, the
// kernel_info_requests included.
func (k *Kernel) Requests() []*jupyter.Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.requests)
}

// Interrupt makes Interrupted receive once, as an interrupt_request does.
func (k *Kernel) Interrupt() {
	select {
	case k.interrupts <- struct{}{}:
	default:
	}
}

// Interrupted receives for each Interrupt; several that nobody has waited for
// are one.
func (k *Kernel) Interrupted() <-chan struct{} { return k.interrupts }

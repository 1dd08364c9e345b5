// Package jupyter talks to Jupyter kernels: it finds kernelspecs, launches
// kernels, and exchanges signed messages over their channels. It knows the
// messaging protocol's envelope, not what the messages mean: running cells is
// left to its users. Everything that comes from a kernel is bounded and
// checked, for a notebook's code owns the other end.
//
// https://jupyter-client.readthedocs.io/en/stable/messaging.html
package jupyter

import "encoding/json"

// Channel names one of a kernel's sockets.
type Channel string

// The channels of a Client. The heartbeat is not used: a local kernel's death
// shows on its process and its connections.
const (
	Shell   Channel = "shell"
	Control Channel = "control"
	Stdin   Channel = "stdin"
	IOPub   Channel = "iopub"
)

// ProtocolVersion is the version of the messaging protocol in sent headers.
const ProtocolVersion = "5.4"

// Header is a message's header. Fields that a kernel sent with another JSON
// type than string are empty.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"` // as sent: ISO 8601, if the kernel is well-behaved
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is one message of any channel.
type Message struct {
	Channel      Channel
	Header       Header
	ParentHeader Header          // zero where there is no parent
	Metadata     json.RawMessage // as sent, not checked to be valid JSON
	Content      json.RawMessage // as sent, not checked to be valid JSON
	Buffers      [][]byte        // never signed, even where the rest is

	// Skipped counts the bytes that were left out of a message beyond
	// ClientOptions.MessageBytes. Where it is not 0 there are no metadata,
	// content and buffers, and the signature could not be checked.
	Skipped int64
}

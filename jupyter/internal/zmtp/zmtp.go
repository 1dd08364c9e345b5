// Package zmtp speaks ZMTP 3.0, ZeroMQ's protocol, over a byte stream: the
// NULL mechanism, messages of many parts, commands. It is as much of ZeroMQ as
// a Jupyter kernel's channels need, with limits on all that a peer may claim.
// Who dials whom, what is sent to which peer and what a message means is left
// to its users. https://rfc.zeromq.org/spec/23/
package zmtp

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// SocketType is the role that a connection's end announces.
type SocketType string

// The socket types of Jupyter's channels, on both ends.
const (
	Dealer SocketType = "DEALER"
	Router SocketType = "ROUTER"
	Sub    SocketType = "SUB"
	Pub    SocketType = "PUB"
)

// talksTo lists the peers that each type may be connected with.
var talksTo = map[SocketType][]SocketType{
	Dealer: {Router, Dealer, "REP"},
	Router: {Dealer, Router, "REQ"},
	Sub:    {Pub, "XPUB"},
	Pub:    {Sub, "XSUB"},
}

// ErrProtocol is wrapped by every error that says that the peer broke the
// protocol or a limit. The connection is of no use afterwards.
var ErrProtocol = errors.New("zmtp protocol violation")

// ErrTooLarge is wrapped by the ErrProtocol errors that are about a limit.
var ErrTooLarge = fmt.Errorf("%w: beyond the limit", ErrProtocol)

// Limits bounds what a peer can make this end do. Zero values mean the defaults.
type Limits struct {
	Frame     int64         // bytes that one part may claim; 16 GiB
	Message   int64         // bytes of one message's parts that are kept, the rest is skipped; 256 MiB
	Parts     int           // parts of one message; 16384
	Handshake time.Duration // from the first byte to the peer's READY; 10 s
}

// maxCommand bounds a command's body. The longest that is legal here, READY
// with a 255-byte identity, is far below it.
const maxCommand = 8 << 10

func (l Limits) withDefaults() Limits {
	return Limits{
		Frame:     cmp.Or(l.Frame, 16<<30),
		Message:   cmp.Or(l.Message, 256<<20),
		Parts:     cmp.Or(l.Parts, 16384),
		Handshake: cmp.Or(l.Handshake, 10*time.Second),
	}
}

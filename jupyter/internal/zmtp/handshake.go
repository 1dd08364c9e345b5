package zmtp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// The greeting's fields: signature (10 bytes), version (2), mechanism (20),
// as-server (1), filler (31).
const (
	signatureSize = 10
	versionEnd    = 12
	mechanismEnd  = 32
	greetingSize  = 64
)

func greeting() []byte {
	g := make([]byte, greetingSize)
	g[0], g[9] = 0xff, 0x7f
	g[signatureSize] = 3
	copy(g[versionEnd:], "NULL")
	return g
}

// Handshake turns nc into a Conn of type t, whichever end dialled. It ends
// with ctx, or when limits.Handshake is over; on error nc is closed.
func Handshake(ctx context.Context, nc net.Conn, t SocketType, identity string, limits Limits) (*Conn, error) {
	limits = limits.withDefaults()
	c := newConn(nc, t, limits)
	ctx, cancel := context.WithTimeoutCause(ctx, limits.Handshake, fmt.Errorf(
		"%w: handshake not finished within %v", ErrProtocol, limits.Handshake))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	peer, err := c.handshake(identity)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("zmtp handshake: %w", err)
	}
	c.peer = peer
	return c, nil
}

func (c *Conn) handshake(identity string) (Peer, error) {
	hello := AppendCommand(greeting(), "READY", readyBody(c.own, identity))
	// READY may be sent with the greeting only because NULL has nothing to
	// negotiate: a peer that wants another mechanism refuses by it anyway.
	if _, err := c.nc.Write(hello); err != nil {
		return Peer{}, err
	}
	if err := c.readGreeting(); err != nil {
		return Peer{}, err
	}
	message, command, err := c.reader.Next()
	if err != nil {
		return Peer{}, truncated(err)
	}
	if message != nil {
		return Peer{}, fmt.Errorf("%w: message before READY", ErrProtocol)
	}
	name, body, err := splitCommand(command)
	if err != nil {
		return Peer{}, err
	}
	switch name {
	case "READY":
		return parseReady(body, c.own)
	case "ERROR":
		return Peer{}, peerError(body)
	default:
		return Peer{}, fmt.Errorf("%w: command %q instead of READY", ErrProtocol, name)
	}
}

func (c *Conn) readGreeting() error {
	var g [greetingSize]byte
	// Each step is judged as it comes: an older or a wholly different peer
	// may have no more to say.
	if _, err := io.ReadFull(c.reader.in, g[:1]); err != nil {
		return truncated(err)
	}
	if g[0] != 0xff {
		return fmt.Errorf("%w: the peer does not speak ZMTP", ErrProtocol)
	}
	if _, err := io.ReadFull(c.reader.in, g[1:signatureSize+1]); err != nil {
		return truncated(err)
	}
	if g[9]&1 == 0 || g[signatureSize] < 3 {
		return fmt.Errorf("%w: the peer speaks a ZMTP older than 3.0", ErrProtocol)
	}
	if _, err := io.ReadFull(c.reader.in, g[signatureSize+1:]); err != nil {
		return truncated(err)
	}
	mechanism := string(bytes.TrimRight(g[versionEnd:mechanismEnd], "\x00"))
	if mechanism != "NULL" {
		return fmt.Errorf("%w: the peer wants the mechanism %q, only NULL is spoken here", ErrProtocol, mechanism)
	}
	return nil
}

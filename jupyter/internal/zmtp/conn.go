package zmtp

import (
	"context"
	"fmt"
	"net"
	"time"
)

// pongDeadline is how long a peer that asks for a sign of life may leave the
// answer unread.
const pongDeadline = 5 * time.Second

// Conn is one connection after its handshake. One goroutine may read while
// any number write.
type Conn struct {
	nc      net.Conn
	own     SocketType
	peer    Peer
	reader  *Reader
	writing chan struct{} // holds a token while somebody writes
}

func newConn(nc net.Conn, t SocketType, limits Limits) *Conn {
	return &Conn{nc: nc, own: t, reader: NewReader(nc, limits), writing: make(chan struct{}, 1)}
}

// Peer returns what the other end said of itself.
func (c *Conn) Peer() Peer { return c.peer }

// NetConn returns the connection underneath, which is not to be read or
// written.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Close ends the connection; whoever reads or writes gets an error.
func (c *Conn) Close() error { return c.nc.Close() }

// Read returns the next message, which the caller owns. It answers
// PING and passes over commands that it does not know. It returns io.EOF when
// the peer has ended the connection.
func (c *Conn) Read() (*Message, error) {
	for {
		message, command, err := c.reader.Next()
		if err != nil {
			return nil, err
		}
		if message != nil {
			return message, nil
		}
		if err := c.obey(command); err != nil {
			return nil, err
		}
	}
}

func (c *Conn) obey(command []byte) error {
	name, body, err := splitCommand(command)
	if err != nil {
		return err
	}
	switch name {
	case "ERROR":
		return peerError(body)
	case "PING":
		answer, err := pong(body)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), pongDeadline)
		defer cancel()
		return c.write(ctx, AppendCommand(nil, "PONG", answer))
	default:
		return nil
	}
}

// Write sends one message. When ctx ends in the middle of it the connection is
// closed, for nothing else could follow the half of a message.
func (c *Conn) Write(ctx context.Context, parts ...[]byte) error {
	return c.write(ctx, AppendMessage(make([]byte, 0, wireSize(parts)), parts...))
}

// Subscribe asks a PUB peer for all messages whose first part begins with
// topic, in the form of ZMTP 3.0, which later peers take as well.
func (c *Conn) Subscribe(ctx context.Context, topic string) error {
	return c.Write(ctx, append([]byte{1}, topic...))
}

func (c *Conn) write(ctx context.Context, wire []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	expired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.nc.SetWriteDeadline(time.Unix(1, 0))
		close(expired)
	})
	n, err := c.nc.Write(wire)
	if !stop() {
		<-expired // so that the deadline below is the last one set
		_ = c.nc.SetWriteDeadline(time.Time{})
		if err != nil {
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		if n > 0 {
			_ = c.nc.Close()
		}
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

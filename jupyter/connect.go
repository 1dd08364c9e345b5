package jupyter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"quire/jupyter/internal/zmtp"
)

// otherSpoolBytes is how much is held of each channel but iopub.
const otherSpoolBytes = 16 << 20

// How long to wait before dialling a kernel again that does not listen yet,
// unless another of its sockets comes first.
const (
	firstRedial = time.Millisecond
	lastRedial  = 25 * time.Millisecond
)

// Connect dials a kernel's channels. While the kernel does not listen yet it
// tries again, until ctx ends; a peer that is no kernel is an error at once.
// It does not wait for the kernel to answer: that is Ready.
func Connect(ctx context.Context, info ConnectionInfo, opts *ClientOptions) (*Client, error) {
	o := opts.withDefaults()
	codec, err := NewCodec(info)
	if err != nil {
		return nil, fmt.Errorf("connect to kernel: %w", err)
	}
	c := &Client{
		session: o.Session,
		codec:   codec,
		logger:  o.Logger,
		conns:   map[Channel]*zmtp.Conn{},
		spool: newSpool(map[Channel]int64{
			IOPub: o.SpoolBytes, Shell: otherSpoolBytes, Control: otherSpoolBytes, Stdin: otherSpoolBytes,
		}),
		done:    make(chan struct{}),
		decoder: newDecoder(codec),
		nudges:  map[string]bool{},
	}
	limits := zmtp.Limits{Message: o.MessageBytes, Handshake: o.Handshake}
	sockets := watchSockets(info)
	defer sockets.close()
	// iopub is first, so that the kernel has had the subscription for longest
	// when the first request comes.
	for _, ch := range []Channel{IOPub, Shell, Control, Stdin} {
		conn, err := dial(ctx, info, ch, o.Session, limits, sockets)
		if err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("connect to kernel: %s: %w", ch, err)
		}
		c.conns[ch] = conn
		c.readers.Go(func() { c.read(ch, conn) }) //nolint:contextcheck // it outlives the ctx of Connect
	}
	return c, nil
}

func dial(ctx context.Context, info ConnectionInfo, ch Channel, session string, limits zmtp.Limits, sockets *arrivals) (*zmtp.Conn, error) {
	wait := firstRedial
	for {
		conn, err := dialOnce(ctx, info, ch, session, limits)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() == nil && !notYet(err) {
			return nil, err
		}
		if sockets.next(ctx, wait) {
			wait = firstRedial // a socket is there a moment before anybody listens on it
		} else {
			wait = min(2*wait, lastRedial)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w (last try: %v)", context.Cause(ctx), err) //nolint:errorlint // the cause is the one to be matched
		}
	}
}

func dialOnce(ctx context.Context, info ConnectionInfo, ch Channel, session string, limits zmtp.Limits) (*zmtp.Conn, error) {
	network, address, err := info.Address(ch)
	if err != nil {
		return nil, err
	}
	nc, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if ch != IOPub {
		// Stdin requests are routed by the identity that shell requests came
		// from, so both have the same one.
		return zmtp.Handshake(ctx, nc, zmtp.Dealer, session, limits)
	}
	conn, err := zmtp.Handshake(ctx, nc, zmtp.Sub, "", limits)
	if err != nil {
		return nil, err
	}
	if err := conn.Subscribe(ctx, ""); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// notYet reports whether err is what dialling a kernel that is still starting
// looks like: no socket, nobody listening, or one that went away again.
func notYet(err error) bool {
	for _, transient := range []error{
		syscall.ENOENT, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EAGAIN,
		io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, transient) {
			return true
		}
	}
	return false
}

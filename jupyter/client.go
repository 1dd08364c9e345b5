package jupyter

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"quire/jupyter/internal/zmtp"
)

// ErrClosed is returned by the methods of a Client that was closed.
var ErrClosed = errors.New("kernel client closed")

// ErrDisconnected is wrapped by the errors that say that the kernel has ended
// a connection or broken its protocol.
var ErrDisconnected = errors.New("kernel disconnected")

// lingerAfterLoss is how long the other channels may stay silent after one is
// lost before all count as lost. A dying kernel's channels end one by one, and
// the last outputs may be behind the first end.
const lingerAfterLoss = 200 * time.Millisecond

// ClientOptions are the settings of a Client. Zero values mean the defaults.
type ClientOptions struct {
	Session      string        // also the identity on the sockets; a random one
	SpoolBytes   int64         // held for Receive before iopub is left to wait; 256 MiB
	MessageBytes int64         // of one message; a larger one comes without its content; 256 MiB
	Handshake    time.Duration // for each connection; 10 s
	Logger       *slog.Logger  // told of dropped messages; none
}

// Client is connected to one kernel's shell, control, stdin and iopub
// channels. It reads them all the time, whether or not Receive is called.
// Send and Close may be called concurrently with everything; Ready and Receive
// exclude each other.
type Client struct {
	session string
	codec   *Codec
	logger  *slog.Logger
	conns   map[Channel]*zmtp.Conn
	spool   *spool
	dropped atomic.Int64

	closing sync.Once
	done    chan struct{}
	readers sync.WaitGroup

	receiving sync.Mutex
	decoder   *decoder
	nudges    map[string]bool // ids of Ready's own requests
}

// Send sends a message on shell, control or stdin and returns its id. Content
// is marshalled as JSON; nil is an empty object.
func (c *Client) Send(ctx context.Context, ch Channel, msgType string, content any) (msgID string, err error) {
	id := rand.Text()
	if err := c.send(ctx, ch, msgType, id, content); err != nil {
		return "", fmt.Errorf("send %s: %w", msgType, err)
	}
	return id, nil
}

func (c *Client) send(ctx context.Context, ch Channel, msgType, id string, content any) error {
	conn := c.conns[ch]
	if conn == nil || ch == IOPub {
		return fmt.Errorf("cannot send on channel %q", ch)
	}
	m := &Message{Header: Header{
		MsgID: id, Session: c.session, Username: "quire", MsgType: msgType,
		Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), Version: ProtocolVersion,
	}}
	if content != nil {
		var err error
		if m.Content, err = json.Marshal(content); err != nil {
			return err
		}
	}
	parts, err := c.codec.Encode(m)
	if err != nil {
		return err
	}
	err = conn.Write(ctx, parts...)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case c.closed():
		return ErrClosed
	default:
		return fmt.Errorf("%w: %s: %w", ErrDisconnected, ch, err)
	}
}

// Receive returns the next message of any channel, in the order of arrival;
// the caller owns it. Messages that are malformed or wrongly signed are
// dropped: Dropped counts them. What the kernel says to Ready's requests and
// its iopub_welcome are not handed out.
//
// After the kernel is gone the messages that came before are still returned,
// then an error that wraps ErrDisconnected; after Close it is ErrClosed at
// once. A kernel's death shows here only when no process that it forked still
// holds its sockets: watch its Process as well.
func (c *Client) Receive(ctx context.Context) (*Message, error) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	for {
		m, err := c.next(ctx)
		if err != nil {
			return nil, fmt.Errorf("receive: %w", err)
		}
		if m.Header.MsgType != "iopub_welcome" && !c.nudges[m.ParentHeader.MsgID] {
			return m, nil
		}
	}
}

// next returns the next sound message, whatever it is about.
func (c *Client) next(ctx context.Context) (*Message, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if c.closed() {
			return nil, ErrClosed
		}
		item, ok := c.spool.take()
		if !ok {
			if err := c.await(ctx); err != nil {
				return nil, err
			}
			continue
		}
		m, err := c.decoder.decode(item.channel, item.message.Parts, item.message.Skipped)
		if err == nil {
			return m, nil
		}
		c.dropped.Add(1)
		c.logger.WarnContext(ctx, "dropped a kernel's message",
			slog.String("channel", string(item.channel)), slog.Any("error", err))
	}
}

// await returns nil when the spool may have something new.
func (c *Client) await(ctx context.Context) error {
	var linger <-chan time.Time
	lost, all, why := c.spool.losses()
	switch {
	case all:
		// The last put may have been after take and before the last loss.
		if c.spool.empty() {
			return why
		}
		return nil
	case lost > 0:
		timer := time.NewTimer(lingerAfterLoss)
		defer timer.Stop()
		linger = timer.C
	}
	select {
	case <-c.spool.wake:
		return nil
	case <-linger:
		return why
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return ErrClosed
	}
}

// Dropped returns how many messages were dropped as malformed.
func (c *Client) Dropped() int64 { return c.dropped.Load() }

// Session returns the session id that the client's messages carry.
func (c *Client) Session() string { return c.session }

// PeerPID returns the id of the process that listens at the other end of the
// shell channel: a kernel that another program has launched is not the process
// that Launch returned. It is 0 where the transport doesn't tell.
func (c *Client) PeerPID() int {
	unixConn, ok := c.conns[Shell].NetConn().(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) {
		// Those of the process that called listen(2), see unix(7).
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil { //nolint:gosec // a file descriptor
			pid = int(cred.Pid)
		}
	})
	return pid
}

// Close ends the connections and returns when nothing of the client runs any
// more. It is idempotent. The kernel is left running.
func (c *Client) Close() error {
	c.closing.Do(func() {
		close(c.done)
		for _, conn := range c.conns {
			_ = conn.Close()
		}
	})
	c.readers.Wait()
	return nil
}

func (c *Client) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// read moves a channel's messages into the spool until the connection ends.
func (c *Client) read(ch Channel, conn *zmtp.Conn) {
	for {
		m, err := conn.Read()
		if err != nil {
			_ = conn.Close()
			// An end tells less than a broken protocol, which may be why the
			// other channels ended.
			telling := !errors.Is(err, io.EOF) && errors.Is(err, zmtp.ErrProtocol)
			c.spool.lose(ch, fmt.Errorf("%w: %s: %w", ErrDisconnected, ch, err), telling)
			return
		}
		if !c.spool.put(ch, m, c.done) {
			return
		}
	}
}

func (o *ClientOptions) withDefaults() ClientOptions {
	var given ClientOptions
	if o != nil {
		given = *o
	}
	return ClientOptions{
		Session:      cmp.Or(given.Session, rand.Text()),
		SpoolBytes:   cmp.Or(given.SpoolBytes, 256<<20),
		MessageBytes: cmp.Or(given.MessageBytes, 256<<20),
		Handshake:    cmp.Or(given.Handshake, 10*time.Second),
		Logger:       cmp.Or(given.Logger, slog.New(slog.DiscardHandler)),
	}
}

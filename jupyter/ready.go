package jupyter

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// How long to wait for an answer before the next nudge. The wait is short once
// the kernel has replied: then only its iopub is late in subscribing us.
const (
	firstNudge = 200 * time.Millisecond
	lastNudge  = time.Second
	iopubNudge = 50 * time.Millisecond
)

// KernelInfo is what a kernel says of itself.
type KernelInfo struct {
	Implementation        string          `json:"implementation"`
	ImplementationVersion string          `json:"implementation_version"`
	ProtocolVersion       string          `json:"protocol_version"`
	Banner                string          `json:"banner"`
	LanguageInfo          json.RawMessage `json:"language_info"`
	Session               string          `json:"-"` // of the reply's header
}

// Ready waits until the kernel answers on shell and its iopub reaches the
// client, so that no output of a later request is lost. It asks again and
// again, for an early request's iopub messages may have gone to nobody. What
// else the kernel said before it is ready is dropped. Its errors are those of
// Receive.
func (c *Client) Ready(ctx context.Context) (KernelInfo, error) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	r := readiness{client: c}
	for wait := firstNudge; ; wait = min(wait*3/2, lastNudge) {
		id := rand.Text()
		c.nudges[id] = true
		if err := c.send(ctx, Shell, "kernel_info_request", id, nil); err != nil {
			return KernelInfo{}, fmt.Errorf("wait for kernel: %w", err)
		}
		ready, err := r.watch(ctx, wait)
		if err != nil {
			return KernelInfo{}, fmt.Errorf("wait for kernel: %w", err)
		}
		if ready {
			return r.info, nil
		}
	}
}

// readiness collects the signs that a kernel is ready.
type readiness struct {
	client         *Client
	info           KernelInfo
	replied, heard bool
}

var errNudge = errors.New("time for the next nudge")

// watch receives until both signs are there or it is time for the next nudge.
func (r *readiness) watch(ctx context.Context, wait time.Duration) (ready bool, err error) {
	nudge, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(wait, func() { cancel(errNudge) })
	defer timer.Stop()
	for !r.replied || !r.heard {
		m, err := r.client.next(nudge)
		if errors.Is(err, errNudge) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		switch {
		case m.Channel == IOPub:
			r.heard = true
		case m.Channel == Shell && m.Header.MsgType == "kernel_info_reply":
			if err := r.reply(m.Content); err != nil {
				return false, err
			}
			r.info.Session = m.Header.Session
			timer.Reset(iopubNudge)
		}
	}
	return true, nil
}

func (r *readiness) reply(content json.RawMessage) error {
	err := json.Unmarshal(content, &r.info)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !odd {
		return fmt.Errorf("%w: kernel_info_reply: %w", ErrBadMessage, err)
	}
	r.replied = true
	return nil
}

package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	quirev1 "quire/internal/gen/quire/v1"
)

// acceptance is how long an answer's status waits for a first event.
const acceptance = time.Second

// watch answers with an execution's events as server-sent events. It ends
// after the last one; who then comes back with its id is told by a 204 to come
// no more, which is how a browser's EventSource is made to stop.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, params map[string]string) {
	after, err := lastSeen(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx, err := outgoing(w, r)
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	stream, err := h.executions.Watch(ctx, &quirev1.WatchRequest{ExecutionId: params["execution_id"], After: after, Kinds: r.URL.Query()["kinds"]})
	if err != nil {
		cancel()
		h.fail(w, err)
		return
	}
	f := follow(ctx, stream)
	defer f.wait()
	defer cancel()
	h.sendEvents(ctx, w, f)
}

// lastSeen returns the sequence number after which to begin. Last-Event-ID is
// newer than the query, which a browser repeats as it was when it reconnects.
func lastSeen(r *http.Request) (int32, error) {
	name, given := "after", r.URL.Query().Get("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		name, given = "Last-Event-ID", id
	}
	if given == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(given, 10, 32)
	if err != nil || n < 0 {
		return 0, invalid(name, "must be the sequence number of an event, or 0")
	}
	return int32(n), nil
}

// sendEvents writes what f receives. The answer's status waits for the first
// event or the end, but not for long: an execution may be queued for hours.
func (h *Handler) sendEvents(ctx context.Context, w http.ResponseWriter, f *follower) {
	alive := time.NewTimer(min(acceptance, h.options.KeepAlive))
	defer alive.Stop()
	out := newEventWriter(w)
	defer out.lift()
	for {
		var err error
		select {
		case event, more := <-f.events:
			f.copyHeader(w)
			if !more {
				h.endEvents(ctx, w, out, f)
				return
			}
			err = out.event(event, len(f.events) > 0)
		case <-alive.C:
			f.copyHeader(w)
			err = out.comment("keep-alive")
		}
		if err != nil {
			return // the client is gone, or will never read this
		}
		alive.Reset(h.options.KeepAlive)
	}
}

func (h *Handler) endEvents(ctx context.Context, w http.ResponseWriter, out *eventWriter, f *follower) {
	ended := errors.Is(f.err, io.EOF)
	switch {
	case ctx.Err() != nil:
		// The client is gone or the server goes: who is still there comes back.
	case ended && !out.started:
		w.WriteHeader(http.StatusNoContent)
	case !ended && !out.started:
		h.fail(w, f.err)
	case !ended:
		if err := out.failure(f.err); err != nil {
			h.options.Logger.Debug("send an error", "err", err)
		}
	}
}

// follower receives a stream's events in a goroutine of its own.
type follower struct {
	stream grpc.ServerStreamingClient[quirev1.Event]
	header chan metadata.MD
	events chan *quirev1.Event // closed at the end
	err    error               // why it ended; to be read after events is closed
}

// follow receives events until the stream ends or ctx, which is the stream's,
// is cancelled.
func follow(ctx context.Context, stream grpc.ServerStreamingClient[quirev1.Event]) *follower {
	f := &follower{
		stream: stream,
		header: make(chan metadata.MD, 1),
		events: make(chan *quirev1.Event, 64),
	}
	go f.receive(ctx)
	return f
}

func (f *follower) receive(ctx context.Context) {
	defer close(f.events)
	if header, err := f.stream.Header(); err == nil {
		f.header <- header
	}
	for {
		event, err := f.stream.Recv()
		if err != nil {
			f.err = err
			return
		}
		select {
		case f.events <- event:
		case <-ctx.Done(): // not the stream's own: that ends before the last events are read
			f.err = ctx.Err()
			return
		}
	}
}

// wait returns when the goroutine has ended; cancel the stream first.
func (f *follower) wait() {
	for range f.events {
	}
}

// copyHeader sets what the call's header says, if it has come.
func (f *follower) copyHeader(w http.ResponseWriter) {
	select {
	case header := <-f.header:
		copyHeader(w, header)
	default:
	}
}

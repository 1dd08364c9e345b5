package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/nbformat"
)

// The waits before another try to reach a server that was lost, and the time
// after which there is none.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
	patience   = 10 * time.Minute
)

// watch passes every event of the execution to observe, each once and in
// order, until its end. A connection that is lost is made again.
func (c *client) watch(ctx context.Context, id string, observe func(quire.Event), lost func()) error {
	w := watcher{client: c, id: id, observe: observe}
	var lostAt time.Time
	delay := firstRetry
	for {
		before := w.last
		err := w.follow(ctx)
		if w.ended || err != nil && (w.last == 0 || !transient(err)) {
			return err
		}
		if w.last > before || lostAt.IsZero() {
			lostAt, delay = time.Now(), firstRetry
			lost()
		}
		if err != nil && time.Since(lostAt) > patience {
			return err
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
		delay = min(2*delay, lastRetry)
	}
}

// watcher follows the events of one execution.
type watcher struct {
	client  *client
	id      string
	observe func(quire.Event)
	last    int32 // the number of the last event seen
	ended   bool  // it was the last of all
}

// follow takes events from one stream, to the stream's end.
func (w *watcher) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.client.executions.Watch(ctx, &quirev1.WatchRequest{ExecutionId: w.id, After: w.last})
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e, err := eventOf(message)
		if err != nil {
			return err
		}
		w.last = e.Seq
		w.ended = e.Finished != nil && !e.Finished.Retry
		w.observe(e)
		if w.ended {
			return nil
		}
	}
}

// eventOf converts an event of the API; its JSON is that of the domain's.
func eventOf(m *quirev1.Event) (quire.Event, error) {
	var e quire.Event
	data, err := protojson.Marshal(m)
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	if err != nil {
		return quire.Event{}, fmt.Errorf("read event %d: %w", m.GetSeq(), err)
	}
	return e, nil
}

// remoteSources takes the text of cells from the server's executed notebook.
type remoteSources struct {
	fetch    func() (*nbformat.Notebook, error)
	notebook *nbformat.Notebook
}

func (s *remoteSources) observe(e quire.Event) {
	if e.Started != nil {
		s.notebook = nil // another attempt may have other cells
	}
}

func (s *remoteSources) source(cell int32) string {
	if s.notebook == nil {
		nb, err := s.fetch()
		if err != nil {
			return "" // the progress says less, the execution is the same
		}
		s.notebook = nb
	}
	return sourceAt(s.notebook, cell)
}

// show watches the execution on the screen to its end and returns how it
// ended.
func (a *app) show(ctx context.Context, c *client, id string) (quire.Progress, error) {
	var p quire.Progress
	src := &remoteSources{fetch: func() (*nbformat.Notebook, error) { return c.notebook(ctx, id) }}
	v := newView(a.stderr, src)
	defer v.close()
	v.wait("queued")
	err := c.watch(ctx, id, func(e quire.Event) {
		src.observe(e)
		v.observe(e)
		p.Apply(e)
	}, func() { v.note("the connection is lost; trying again") })
	if err != nil {
		return p, notWaiting(ctx, "execution", id, err)
	}
	return p, nil
}

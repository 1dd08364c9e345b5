package soak_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"quire"
)

// maxLine bounds a line of a stream.
const maxLine = 16 << 20

// errStreamEnded is the end of a stream, for whatever reason.
var errStreamEnded = errors.New("the stream ended")

// watch follows an execution's events to its end, over the death of servers.
func (h *harness) watch(ctx context.Context, r *record) {
	for first := true; ctx.Err() == nil; first = false {
		if !first {
			h.report.count(func(rep *report) { rep.broken++ })
			if !wait(ctx, 10*pollingStep) {
				return
			}
		}
		err := h.stream(ctx, r)
		if err == nil {
			return
		}
		if !errors.Is(err, errStreamEnded) {
			h.report.discrepancy("%s: %v", r, err)
			r.change(func() { r.silentEnd = true })
			return
		}
	}
}

// stream reads one stream. It returns nil after the execution's end.
func (h *harness) stream(ctx context.Context, r *record) error {
	r.mu.Lock()
	id, last := r.id, r.seq
	r.mu.Unlock()
	resp, err := h.openStream(ctx, id, last)
	if err != nil {
		return errStreamEnded
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		r.change(func() { r.silentEnd = true })
		return fmt.Errorf("its stream says after event %d that there are no more, and it has no end", last)
	default:
		return errStreamEnded
	}
	return readStream(resp.Body, func(e quire.Event) (bool, error) {
		err := r.see(e)
		return e.Finished != nil && !e.Finished.Retry, err
	})
}

func (h *harness) openStream(ctx context.Context, id string, last int32) (*http.Response, error) {
	req, err := h.client.request(ctx, http.MethodGet, "/quire/v1/executions/"+id+"/events", nil, map[string]string{
		"Accept": "text/event-stream", "Last-Event-ID": strconv.Itoa(int(last)),
	})
	if err != nil {
		return nil, err
	}
	return h.client.http.Do(req)
}

// readStream passes on the events of a stream up to the one that is the last.
func readStream(body io.Reader, see func(quire.Event) (last bool, err error)) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 1<<16), maxLine)
	var id string
	var data []byte
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(name) {
		case "id":
			id = string(value)
		case "event": // a failure: the server ends, or cannot read
			return errStreamEnded
		case "data":
			data = bytes.Clone(value)
		case "": // only now the event is whole
			if data == nil {
				continue // after a comment
			}
			var e quire.Event
			if err := json.Unmarshal(data, &e); err != nil {
				return fmt.Errorf("its stream holds %.200q: %w", data, err)
			}
			if strconv.Itoa(int(e.Seq)) != id {
				return fmt.Errorf("its stream gives event %d the id %q", e.Seq, id)
			}
			if last, err := see(e); last || err != nil {
				return err
			}
			data = nil
		}
	}
	if err := lines.Err(); err != nil && strings.Contains(err.Error(), "token too long") {
		return err
	}
	return errStreamEnded
}

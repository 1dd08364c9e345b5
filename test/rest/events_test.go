package rest_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A client whose stream breaks comes back with the id of the last event that
// it has seen. It must miss nothing and see nothing twice, and the notebook is
// whole whenever it looks.
func TestEvents(t *testing.T) {
	c := newCaller(t)
	c.put(t, "runs.ipynb", "import os, time", "print('first', flush=True)",
		"for _ in range(1200):\n    if os.path.exists('go'): break\n    time.sleep(0.05)", "print('last')")
	id := text(t, c.execute(t, `{"notebookId":"runs.ipynb"}`), "id")

	stream := c.watch(t, id, "")
	var seen []string
	for !strings.Contains(strings.Join(seen, "\n"), `first`) {
		seen = append(seen, stream.next(t))
	}
	stream.close(t)
	valid(t, c.call(t, "GET", "/quire/v1/executions/"+id+"/notebook", ""), 4)
	c.server.PutFile(t, nil, c.project, "go", nil)

	stream = c.watch(t, id, strconv.Itoa(len(seen)))
	for event := stream.next(t); event != ""; event = stream.next(t) {
		seen = append(seen, event)
	}
	stream.close(t)
	wantStatus(t, c.wait(t, id), "OK")

	whole := c.watch(t, id, "")
	defer whole.close(t)
	for i, event := range seen {
		var numbered struct{ Seq int }
		if err := json.Unmarshal([]byte(event), &numbered); err != nil || numbered.Seq != i+1 {
			t.Errorf("event %d is %s (%v)", i+1, event, err)
		}
		if want := whole.next(t); event != want {
			t.Errorf("event %d is %s, later it is %s", i+1, event, want)
		}
	}
	if event := whole.next(t); event != "" {
		t.Errorf("missed: %s", event)
	}
	a := c.call(t, "GET", "/quire/v1/executions/"+id+"/notebook", "")
	if valid(t, a, 4); !strings.Contains(string(a.body), "last") {
		t.Errorf("the executed notebook lacks the last output: %s", a.body)
	}
}

// valid fails unless the answer is a notebook of so many cells.
func valid(t *testing.T, a answer, cells int) {
	t.Helper()
	notebook := a.json(t)
	if list, _ := notebook["cells"].([]any); a.status != http.StatusOK || notebook["nbformat"] != 4.0 || len(list) != cells {
		t.Errorf("not the notebook: %d: %s", a.status, a.body)
	}
}

// events is a stream of server-sent events.
type events struct {
	body  io.Closer
	lines *bufio.Scanner
}

func (c *caller) watch(t *testing.T, id, last string) *events {
	t.Helper()
	resp, err := http.DefaultClient.Do(c.request(t, "GET", "/quire/v1/executions/"+id+"/events", "", "Accept: text/event-stream", "Last-Event-ID: "+last))
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("events: %s, %s", resp.Status, got)
	}
	return &events{resp.Body, bufio.NewScanner(resp.Body)}
}

// next returns the data of the next event, nothing at the stream's end. The
// event's id must be its sequence number.
func (e *events) next(t *testing.T) string {
	t.Helper()
	id := ""
	for e.lines.Scan() {
		name, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			t.Fatalf("the stream sends %q", value)
		case "data":
			var event struct{ Seq int }
			if err := json.Unmarshal([]byte(value), &event); err != nil || strconv.Itoa(event.Seq) != id {
				t.Fatalf("the event with the id %q is %s (%v)", id, value, err)
			}
			return value
		}
	}
	if err := e.lines.Err(); err != nil {
		t.Fatal(err)
	}
	return ""
}

func (e *events) close(t *testing.T) {
	t.Helper()
	if err := e.body.Close(); err != nil {
		t.Error(err)
	}
}

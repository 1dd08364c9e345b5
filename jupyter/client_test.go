package jupyter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire/jupyter"
	"quire/jupyter/jupytertest"
)

// soon is longer than anything takes here that does not hang.
const soon = 2 * time.Minute

// connect returns a client of a scripted kernel, ready.
func connect(t *testing.T, k *jupytertest.Kernel, opts *jupyter.ClientOptions) *jupyter.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	c, err := jupyter.Connect(ctx, k.Info(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// execute sends an execute_request and returns its id.
func execute(t *testing.T, c *jupyter.Client, code string) string {
	t.Helper()
	id, err := c.Send(t.Context(), jupyter.Shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": true,
		"user_expressions": map[string]string{}, "allow_stdin": true, "stop_on_error": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// answers receives until both the reply to id and its idle have come.
func answers(t *testing.T, c *jupyter.Client, id string) []*jupyter.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var got []*jupyter.Message
	for replied, idle := false, false; !replied || !idle; {
		m, err := c.Receive(ctx)
		if err != nil {
			t.Fatalf("after %d messages, the last %v: %v", len(got), summaries(got[max(0, len(got)-3):]), err)
		}
		if m.ParentHeader.MsgID != id {
			continue
		}
		got = append(got, m)
		replied = replied || m.Header.MsgType == "execute_reply"
		idle = idle || strings.Contains(string(m.Content), `"idle"`)
	}
	return got
}

// summary says in a line what a message is.
func summary(m *jupyter.Message) string {
	var content struct {
		ExecutionState string            `json:"execution_state"`
		Status         string            `json:"status"`
		Text           string            `json:"text"`
		Ename          string            `json:"ename"`
		Data           map[string]string `json:"data"`
	}
	_ = json.Unmarshal(m.Content, &content)
	detail := content.ExecutionState + content.Status + content.Text + content.Ename + content.Data["text/plain"]
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", m.Channel, m.Header.MsgType, detail))
}

func summaries(messages []*jupyter.Message) []string {
	var lines []string
	for _, m := range messages {
		lines = append(lines, summary(m))
	}
	return lines
}

func TestExecuteScripted(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]jupytertest.Options{
		"ipc":      {},
		"tcp":      {TCP: true},
		"unsigned": {Unsigned: true},
		"welcome":  {Welcome: true},
		"deaf":     {Deaf: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := jupytertest.StartWith(t, opts, jupytertest.Cells(func(c *jupytertest.Cell) {
				c.Stream("stdout", "hello")
				c.Result(map[string]any{"text/plain": c.Code})
			}))
			c := connect(t, k, nil)
			id := execute(t, c, "6*7")
			got := map[jupyter.Channel][]string{}
			for _, m := range answers(t, c, id) {
				got[m.Channel] = append(got[m.Channel], summary(m))
			}
			want := map[jupyter.Channel][]string{
				jupyter.IOPub: {
					"iopub status busy", "iopub execute_input", "iopub stream hello",
					"iopub execute_result 6*7", "iopub status idle",
				},
				jupyter.Shell: {"shell execute_reply ok"},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if got := c.Dropped(); got != 0 {
				t.Errorf("got %d dropped messages, want 0", got)
			}
		})
	}
}

func TestReadyTellsWhatTheKernelIs(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, nil)
	c, err := jupyter.Connect(t.Context(), k.Info(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := jupyter.KernelInfo{
		Session:        "scripted",
		Implementation: "scripted", ImplementationVersion: "1", ProtocolVersion: "5.3", Banner: "A scripted kernel",
		LanguageInfo: json.RawMessage(`{"name":"python","version":"3.11.0","file_extension":".py"}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kernel info (-want +got):\n%s", diff)
	}
}

// TestReadyAsksAgain has a kernel whose iopub reaches nobody at first.
func TestReadyAsksAgain(t *testing.T) {
	t.Parallel()
	k := jupytertest.StartWith(t, jupytertest.Options{Deaf: 2}, nil)
	connect(t, k, nil)
	if got := len(k.Requests()); got < 3 {
		t.Errorf("got %d kernel_info_requests, want at least 3", got)
	}
}

// TestReadyLeavesNothingBehind checks that what a kernel says to late nudges
// is not taken for somebody else's.
func TestReadyLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	k := jupytertest.StartWith(t, jupytertest.Options{Welcome: true, Deaf: 1}, jupytertest.Cells(func(*jupytertest.Cell) {}))
	c := connect(t, k, nil)
	id := execute(t, c, "")
	for {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.ParentHeader.MsgID != id {
			t.Fatalf("got %q, whose parent is not the only request", summary(m))
		}
		if summary(m) == "iopub status idle" {
			return
		}
	}
}

func TestStdinIsRoutedToTheSession(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		answer, _ := c.Ask("name? ", false)
		c.Stream("stdout", answer)
	}))
	c := connect(t, k, nil)
	execute(t, c, "input()")
	for {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch m.Header.MsgType {
		case "input_request":
			if m.Channel != jupyter.Stdin {
				t.Errorf("got input_request on %s, want %s", m.Channel, jupyter.Stdin)
			}
			if _, err := c.Send(t.Context(), jupyter.Stdin, "input_reply", map[string]any{"value": "Ada"}); err != nil {
				t.Fatal(err)
			}
		case "stream":
			if got, want := summary(m), "iopub stream Ada"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			return
		}
	}
}

func TestBuffersArrive(t *testing.T) {
	t.Parallel()
	want := [][]byte{{}, []byte("small"), []byte(strings.Repeat("large", 1<<20))}
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		c.OpenComm("c1", "jupyter.widget", map[string]any{}, want...)
	}))
	c := connect(t, k, nil)
	for _, m := range answers(t, c, execute(t, c, "")) {
		if m.Header.MsgType == "comm_open" && !slices.EqualFunc(m.Buffers, want, bytes.Equal) {
			t.Errorf("got %d buffers that are not those that were sent", len(m.Buffers))
		}
	}
}

func TestBurstLosesNothing(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*jupyter.ClientOptions{
		"within the spool": nil,
		"back-pressure":    {SpoolBytes: 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const lines = 100_000
			k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
				for i := range lines {
					c.Stream("stdout", fmt.Sprint(i))
				}
			}))
			c := connect(t, k, opts)
			next := 0
			for _, m := range answers(t, c, execute(t, c, "")) {
				if m.Header.MsgType != "stream" {
					continue
				}
				if got, want := summary(m), fmt.Sprintf("iopub stream %d", next); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
				next++
			}
			if next != lines {
				t.Errorf("got %d lines, want %d", next, lines)
			}
		})
	}
}

func TestWrongMessagesAreDropped(t *testing.T) {
	t.Parallel()
	header := `{"msg_id": "1", "session": "s", "msg_type": "stream"}`
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		for _, parts := range [][]string{
			{},
			{"nothing like it"},
			{"<IDS|MSG>", "sig", "{}", "{}"},
			{"<IDS|MSG>", strings.Repeat("0", 64), header, "{}", "{}", "{}"},
			{"<IDS|MSG>", "", header, "{}", "{}", "{}"},
		} {
			raw := [][]byte{[]byte("topic")}
			for _, p := range parts {
				raw = append(raw, []byte(p))
			}
			c.SendRaw(jupyter.IOPub, "", raw...)
		}
		c.Stream("stdout", "still here")
	}))
	c := connect(t, k, nil)
	got := summaries(answers(t, c, execute(t, c, "")))
	if !strings.Contains(strings.Join(got, "\n"), "still here") {
		t.Errorf("got %q, want the stream that followed the wrong messages", got)
	}
	if got, want := c.Dropped(), int64(5); got != want {
		t.Errorf("got %d dropped messages, want %d", got, want)
	}
}

func TestKernelGone(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, func(k *jupytertest.Kernel, req *jupyter.Message) {
		for range 1000 {
			k.Publish(req, "stream", map[string]any{"name": "stdout", "text": "last words"})
		}
		k.Drop()
	})
	c := connect(t, k, nil)
	execute(t, c, "")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	heard := 0
	for {
		_, err := c.Receive(ctx)
		if err == nil {
			heard++
			continue
		}
		if !errors.Is(err, jupyter.ErrDisconnected) {
			t.Errorf("got error %v, want %v", err, jupyter.ErrDisconnected)
		}
		break
	}
	if heard != 1000 {
		t.Errorf("got %d messages before the end, want 1000", heard)
	}
	<-k.Done()
	if _, err := c.Receive(ctx); !errors.Is(err, jupyter.ErrDisconnected) {
		t.Errorf("got error %v from another Receive, want %v", err, jupyter.ErrDisconnected)
	}
}

func TestReceiveHonoursContext(t *testing.T) {
	t.Parallel()
	c := connect(t, jupytertest.Start(t, nil), nil)
	why := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, why)
	defer cancel()
	if _, err := c.Receive(ctx); !errors.Is(err, why) {
		t.Errorf("got error %v, want %v", err, why)
	}
}

func TestReadyHonoursContext(t *testing.T) {
	t.Parallel()
	k := jupytertest.StartWith(t, jupytertest.Options{RawInfo: true}, nil)
	c, err := jupyter.Connect(t.Context(), k.Info(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	c := connect(t, jupytertest.Start(t, nil), nil)
	received := make(chan error, 1)
	go func() {
		_, err := c.Receive(context.Background()) //nolint:usetesting // only Close may end it
		received <- err
	}()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := <-received; !errors.Is(err, jupyter.ErrClosed) {
		t.Errorf("got error %v from Receive, want %v", err, jupyter.ErrClosed)
	}
	if _, err := c.Send(t.Context(), jupyter.Shell, "execute_request", nil); !errors.Is(err, jupyter.ErrClosed) {
		t.Errorf("got error %v from Send, want %v", err, jupyter.ErrClosed)
	}
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	c := connect(t, jupytertest.Start(t, nil), nil)
	if _, err := c.Send(t.Context(), jupyter.IOPub, "stream", nil); err == nil {
		t.Error("got no error for a message on iopub")
	}
	if _, err := c.Send(t.Context(), jupyter.Shell, "x", func() {}); err == nil {
		t.Error("got no error for content that is not JSON")
	}
}

// TestSendToFullPeer has a kernel that reads no more.
func TestSendToFullPeer(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, func(k *jupytertest.Kernel, _ *jupyter.Message) { <-k.Done() })
	c := connect(t, k, nil)
	execute(t, c, "")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := c.Send(ctx, jupyter.Shell, "execute_request", map[string]any{"code": strings.Repeat("#", 8<<20)})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestHugeMessage has a kernel that shows more than fits into the client.
func TestHugeMessage(t *testing.T) {
	t.Parallel()
	k := jupytertest.Start(t, jupytertest.Cells(func(c *jupytertest.Cell) {
		c.Stream("stdout", strings.Repeat("x", 1<<20))
		c.Stream("stdout", "small again")
	}))
	c := connect(t, k, &jupyter.ClientOptions{MessageBytes: 64 << 10})
	var got []string
	for _, m := range answers(t, c, execute(t, c, "")) {
		if m.Header.MsgType != "stream" {
			continue
		}
		got = append(got, fmt.Sprint(summary(m), " ", m.Skipped >= 1<<20, m.Content == nil))
	}
	want := []string{"iopub stream true true", "iopub stream small again false false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}

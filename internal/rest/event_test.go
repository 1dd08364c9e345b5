package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/rest"
)

// TestEventJSON holds the journal's JSON against the proto: it must be read
// without a field that the proto lacks, and hold the same.
func TestEventJSON(t *testing.T) {
	t.Parallel()
	raw := json.RawMessage(`{"k":[1,"x",null]}`)
	cell, exit := 0, 137
	events := map[string]quire.Event{
		"started":             {Started: &quire.Started{Attempt: 1, Cells: 2, Injected: &quire.InjectedCell{Index: 1, ID: "i", Source: "x = 1"}}},
		"environmentProgress": {EnvironmentProgress: &quire.EnvironmentProgress{Phase: quire.EnvironmentInstalling, Package: "pandas", Done: 2, Total: 30}},
		"kernelStarting":      {KernelStarting: &quire.KernelStarting{Kernel: "python3"}},
		"kernelReady":         {KernelReady: &quire.KernelReady{Implementation: "ipython", ProtocolVersion: "5.3", LanguageInfo: raw, Start: quire.ForkedStart}},
		"cellStarted":         {CellStarted: &quire.CellStarted{Cell: 1, ID: "c"}},
		"stream":              {Stream: &quire.Stream{Cell: 1, WidgetID: "w", Name: "stdout", Text: "a\r\n"}},
		"output":              {Output: &quire.Output{Cell: 1, WidgetID: "w", DisplayID: "d", Output: raw}},
		"displayUpdated":      {DisplayUpdated: &quire.DisplayUpdated{DisplayID: "d", Data: raw, Metadata: raw}},
		"outputCleared":       {OutputCleared: &quire.OutputCleared{Cell: 1, WidgetID: "w", Wait: true}},
		"outputCut":           {OutputCut: &quire.OutputCut{Cell: 1, Limit: "cell", Bytes: "9007199254740993"}},
		"widgetUpdated":       {WidgetUpdated: &quire.WidgetUpdated{WidgetID: "w", Closed: true, State: raw, Buffers: json.RawMessage(`[{"path":["a"]}]`)}},
		"cellFinished":        {CellFinished: &quire.CellFinished{Cell: 1, ID: "c", Status: quire.CellError, Tolerated: true, ExecutionCount: 3, ErrorName: "E", ErrorValue: "v", Traceback: []string{"t"}, Timing: map[string]string{"a": "b"}}},
		"outputVariables":     {OutputVariables: &quire.OutputVariables{Variables: []quire.Variable{{Name: "x", Type: quire.IntVariable, Value: json.RawMessage("1"), Truncated: true}}}},
		"usage":               {Usage: &quire.Usage{CPUSeconds: 0.125, MemoryBytes: 9007199254740993, PeakMemory: 9007199254740995}},
		"finished": {Finished: &quire.Finished{State: quire.Failed, Retry: true, Failure: &quire.Failure{
			Kind: quire.KernelDied, Message: "m", Cell: &cell, CellID: "c", ErrorName: "E", ErrorValue: "v",
			Traceback: []string{"t"}, Signal: "SIGKILL", ExitStatus: &exit, Limit: "cell_timeout",
		}}},
	}
	kinds := (&quirev1.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	if got, want := len(events), kinds.Len(); got != want {
		t.Errorf("%d kinds are tried, the proto has %d", got, want)
	}
	if got, want := reflect.TypeFor[quire.Event]().NumField()-2, kinds.Len(); got != want {
		t.Errorf("quire.Event has %d kinds, the proto %d", got, want)
	}
	for name, event := range events {
		event.Seq, event.Time = 7, created
		line, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		var message quirev1.Event
		if err := protojson.Unmarshal(line, &message); err != nil {
			t.Errorf("%s: %v in %s", name, err, line)
			continue
		}
		if message.ProtoReflect().WhichOneof(kinds.Get(0).ContainingOneof()) == nil {
			t.Errorf("%s: no kind in %s", name, line)
		}
		back, err := protojson.Marshal(&message)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := decoded(t, back), decoded(t, line); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, back, line)
		}
	}
}

func decoded(t *testing.T, line []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// count is an execution of n events; it sends those after the one that was seen.
// Of kinds it knows two.
func count(n int32) func(*quirev1.WatchRequest, grpc.ServerStreamingServer[quirev1.Event]) error {
	return func(r *quirev1.WatchRequest, stream grpc.ServerStreamingServer[quirev1.Event]) error {
		if kinds := r.GetKinds(); len(kinds) > 0 && !slices.Equal(kinds, []string{"finished", "cellStarted"}) {
			return status.Errorf(codes.InvalidArgument, "kinds: %q", kinds)
		}
		for seq := r.GetAfter() + 1; seq <= n; seq++ {
			if err := stream.Send(cellStarted(seq)); err != nil {
				return err
			}
		}
		return nil
	}
}

func cellStarted(seq int32) *quirev1.Event {
	return &quirev1.Event{Seq: seq, Time: timestamppb.New(created), Body: &quirev1.Event_CellStarted{CellStarted: &quirev1.CellStarted{}}}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const line = `data: {"seq":%d,"time":"2026-11-23T09:00:00Z","cellStarted":{"cell":0,"id":""}}`
	for name, test := range map[string]struct {
		query, lastID string
		from          int // the first event that comes
		status        int
	}{
		"all":              {from: 1, status: 200},
		"after":            {query: "?after=2", from: 3, status: 200},
		"reconnected":      {query: "?after=1", lastID: "2", from: 3, status: 200},
		"nothing follows":  {lastID: "3", status: 204},
		"some kinds":       {query: "?kinds=finished&after=1&kinds=cellStarted", from: 2, status: 200},
		"no known kind":    {query: "?kinds=x", status: 400},
		"not a number":     {query: "?after=x", status: 400},
		"negative":         {lastID: "-1", status: 400},
		"larger than that": {lastID: "2147483648", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, &fake{watch: count(3)}, nil)
			r := newRequest(t, "GET", server.URL+"/quire/v1/executions/e/events"+test.query, nil)
			if test.lastID != "" {
				r.Header.Set("Last-Event-ID", test.lastID)
			}
			got := do(t, server, r)
			if got.status != test.status {
				t.Fatalf("status: got %d, want %d: %s", got.status, test.status, got.body)
			}
			if test.status != http.StatusOK {
				return
			}
			if got := got.header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("Content-Type: got %q", got)
			}
			var want strings.Builder
			for seq := test.from; seq <= 3; seq++ {
				fmt.Fprintf(&want, "id: %d\n"+line+"\n\n", seq, seq)
			}
			if got := got.body + "\n"; got != want.String() {
				t.Errorf("got\n%s\nwant\n%s", got, want.String())
			}
		})
	}
}

// TestEventsLive: events come while the execution goes on, comments while
// nothing happens, and a client that leaves ends the call.
func TestEventsLive(t *testing.T) {
	t.Parallel()
	next, left := make(chan int32), make(chan struct{})
	f := &fake{watch: func(_ *quirev1.WatchRequest, stream grpc.ServerStreamingServer[quirev1.Event]) error {
		defer close(left)
		for {
			select {
			case seq := <-next:
				if err := stream.Send(cellStarted(seq)); err != nil {
					return err
				}
			case <-stream.Context().Done():
				return context.Cause(stream.Context())
			}
		}
	}}
	server := newServer(t, f, &rest.Options{KeepAlive: 5 * time.Millisecond})
	response, err := server.Client().Do(newRequest(t, "GET", server.URL+"/quire/v1/executions/e/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(response.Body)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", want, lines.Err())
	}
	until(": keep-alive")
	next <- 1
	until("id: 1")
	until(": keep-alive")
	next <- 2
	until("id: 2")
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	<-left
}

func TestEventsFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first  int32 // events before the error
		status int
		body   string
	}{
		"at once": {0, 404, `{"code":5,"message":"no such execution",`},
		"later":   {1, 200, "event: failure\ndata: {\"code\":5,\"message\":\"no such execution\","},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{watch: func(r *quirev1.WatchRequest, stream grpc.ServerStreamingServer[quirev1.Event]) error {
				if err := count(test.first)(r, stream); err != nil {
					return err
				}
				return quire.Errorf(quire.NotFound, "no such execution")
			}}
			server := newServer(t, f, nil)
			got := do(t, server, newRequest(t, "GET", server.URL+"/quire/v1/executions/e/events", nil))
			if got.status != test.status || !strings.Contains(got.body, test.body) {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

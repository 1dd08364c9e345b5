package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"quire"
	"quire/internal/cli"
	quirev1 "quire/internal/gen/quire/v1"
)

func TestView(t *testing.T) {
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	at := func(ms int, e quire.Event) quire.Event {
		e.Time = start.Add(time.Duration(ms) * time.Millisecond)
		return e
	}
	two := 2
	events := []quire.Event{
		at(0, quire.Event{Started: &quire.Started{Attempt: 1, Cells: 3}}),
		at(10, quire.Event{KernelStarting: &quire.KernelStarting{Kernel: "python3"}}),
		at(510, quire.Event{KernelReady: &quire.KernelReady{}}),
		at(510, quire.Event{CellStarted: &quire.CellStarted{Cell: 0}}),
		at(12510, quire.Event{CellFinished: &quire.CellFinished{Cell: 0, Status: quire.CellOK}}),
		at(12510, quire.Event{CellFinished: &quire.CellFinished{Cell: 1, Status: quire.CellSkipped}}),
		at(12510, quire.Event{CellStarted: &quire.CellStarted{Cell: 1}}),
		at(12520, quire.Event{OutputCut: &quire.OutputCut{Cell: 1, Limit: "cell", Bytes: "1000"}}),
		at(13510, quire.Event{CellFinished: &quire.CellFinished{Cell: 1, Status: quire.CellError, Tolerated: true, ErrorName: "KeyError"}}),
		at(13510, quire.Event{CellStarted: &quire.CellStarted{Cell: 2}}),
		at(103510, quire.Event{CellFinished: &quire.CellFinished{Cell: 2, Status: quire.CellError, ErrorName: "ValueError"}}),
		at(103510, quire.Event{Finished: &quire.Finished{State: quire.Failed, Failure: &quire.Failure{
			Kind: quire.CellFailed, Message: "the cell raised ValueError", Cell: &two, ErrorName: "ValueError", ErrorValue: "no",
			Traceback: []string{"\x1b[31mValueError\x1b[0m: no\x1b[2J"},
		}}}),
	}
	var out strings.Builder
	v := cli.NewView(&out, "\n  # first\nx = 1", "skip "+strings.Repeat("me ", 50), "f(\n  '\x1b[2J')")
	for _, e := range events {
		cli.Observe(v, e)
	}
	cli.Close(v)
	want := strings.Join([]string{
		"✓ kernel python3  0.50s",
		"✓ [1/3] # first  12.0s",
		"- skip me me me me me me me me me me me me me me me me me me me me me me me me me me me m…  skipped",
		"  output beyond 1000 bytes of the cell is left out",
		"! [2/3] skip me me me me me me me me me me me me me me me…  1.00s raised KeyError, which is allowed",
		"✗ [3/3] f(  1m30s",
		"",
		"cell 2 of the notebook, from 0:",
		"    f(",
		"      '')",
		"",
		"ValueError: no",
		"",
		"",
	}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("view (-want +got):\n%s", diff)
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if n := len([]rune(line)); n > 99 {
			t.Errorf("a line is %d wide: %s", n, line)
		}
	}
}

func TestEventOf(t *testing.T) {
	const given = `{"seq":7,"time":"2026-11-23T09:00:00.123456789Z","finished":{"state":"FAILED","failure":
		{"kind":"kernel","message":"the kernel died","cell":0,"cellId":"a","signal":"SIGKILL","exitStatus":0}}}`
	var m quirev1.Event
	if err := protojson.Unmarshal([]byte(given), &m); err != nil {
		t.Fatal(err)
	}
	zero := 0
	want := quire.Event{
		Seq: 7, Time: time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC),
		Finished: &quire.Finished{State: quire.Failed, Failure: &quire.Failure{
			Kind: quire.KernelDied, Message: "the kernel died", Cell: &zero, CellID: "a", Signal: "SIGKILL", ExitStatus: &zero,
		}},
	}
	got, err := cli.EventOf(&m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("eventOf (-want +got):\n%s", diff)
	}
}

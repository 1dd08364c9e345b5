package runner_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/runner"
	"quire/jupyter"
)

// shownBy returns the message of a kernel that shows content.
func shownBy(msgType, content string) *jupyter.Message {
	return &jupyter.Message{
		Channel: jupyter.IOPub, Header: jupyter.Header{MsgType: msgType},
		ParentHeader: jupyter.Header{MsgID: "r"}, Content: json.RawMessage(content),
	}
}

// canonical returns events as JSON with sorted keys.
func canonical(t *testing.T, events []quire.Event) string {
	t.Helper()
	data, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(v)
}

// TestLargeDisplays shows the same with a long text in it and with a short one:
// the events must differ in that alone, however a kernel writes its JSON.
func TestLargeDisplays(t *testing.T) {
	const plain, resultOf = "display_data", "execute_result"
	long := strings.Repeat("QUFB", 1<<19)
	first := `{"data": {"image/png": "LONG"}, "metadata": {}, "transient": {"display_id": "d"}}`
	for name, shown := range map[string][]*jupyter.Message{
		"as ipykernel does":      {shownBy(plain, `{"data": {"text/plain": "x", "image/png": "LONG"}, "metadata": {"image/png": {"width": 1, "a b": " "}}, "transient": {}}`)},
		"compact":                {shownBy(plain, `{"data":{"image/png":"LONG"},"metadata":{},"transient":{}}`)},
		"nothing but data":       {shownBy(plain, `{"data":{"image/png":"LONG"}}`)},
		"nulls":                  {shownBy(plain, `{"data":{"image/png":"LONG"},"metadata":null,"transient":null}`)},
		"data last":              {shownBy(plain, " {\n\t\"transient\" : { } ,\r\n \"metadata\":{\"a\":[1 , 2.50]}, \"more\":[], \"data\" : { \"image/png\" : \"LONG\" } } ")},
		"a result":               {shownBy(resultOf, `{"data": {"text/plain": "LONG"}, "execution_count": 12, "metadata": {}}`)},
		"a result of no count":   {shownBy(resultOf, `{"data": {"text/plain": "LONG"}, "metadata": {}}`)},
		"JSON":                   {shownBy(plain, `{"data": {"application/x+json": [ 1, {"b": "LONG", "a": 12345678901234567890} ], "text/plain": "\n\"\\ \u0041é"}, "metadata": {}}`)},
		"lines":                  {shownBy(plain, `{"data": {"text/plain": ["a\n", "LONG"]}, "metadata": {}}`)},
		"no text":                {shownBy(plain, `{"data": {"text/html": {"LONG": 1}, "text/plain": 3}, "metadata": {}}`)},
		"half a pair":            {shownBy(plain, `{"data": {"text/plain": "\ud800", "image/png": "LONG"}}`)},
		"a pair":                 {shownBy(plain, `{"data": {"text/plain": "\ud83d\ude00", "image/png": "LONG"}}`)},
		"bytes that are no text": {shownBy(plain, "{\"data\": {\"text/plain\": \"\xff\", \"image/png\": \"LONG\"}}")},
		"no JSON":                {shownBy(plain, `{"data": {"image/png": "LONG"}, "metadata": {}`)},
		"no data":                {shownBy(plain, `{"metadata": {"x": "LONG"}}`)},
		"data of another kind":   {shownBy(plain, `{"data": ["LONG"]}`)},
		"metadata of another":    {shownBy(plain, `{"data": {"image/png": "LONG"}, "metadata": []}`)},
		"count of another":       {shownBy(resultOf, `{"data": {"image/png": "LONG"}, "execution_count": "1"}`)},
		"shown again":            {shownBy(plain, first), shownBy(plain, first)},
		"updated":                {shownBy(plain, first), shownBy("update_display_data", first)},
	} {
		t.Run(name, func(t *testing.T) {
			var got, want []quire.Event
			small, large := runner.Translator("r", quire.DefaultRunSettings()), runner.Translator("r", quire.DefaultRunSettings())
			for _, m := range shown {
				want = append(want, small(m)...)
				m := *m
				m.Content = []byte(strings.Replace(string(m.Content), "LONG", long, 1))
				got = append(got, large(&m)...)
			}
			for _, e := range got {
				if e.Output != nil && !json.Valid(e.Output.Output) {
					t.Error("what is shown is no JSON")
				}
			}
			if diff := cmp.Diff(canonical(t, want), strings.ReplaceAll(canonical(t, got), long, "LONG")); diff != "" {
				t.Errorf("events of a small and of a large message (-small +large):\n%s", diff)
			}
		})
	}
}

func TestLargeDisplayBeyondTheBudget(t *testing.T) {
	settings := quire.DefaultRunSettings()
	settings.MaxCellOutput = 2 << 20
	show := runner.Translator("r", settings)
	content := `{"data": {"image/png": "` + strings.Repeat("A", 3<<19) + `"}, "metadata": {}}`
	if got := show(shownBy("display_data", content)); len(got) != 1 || got[0].Output == nil {
		t.Errorf("got %d events for the first, want its output", len(got))
	}
	if got := show(shownBy("display_data", content)); len(got) != 1 || got[0].OutputCut == nil {
		t.Errorf("got %d events for the second, want the mark of a cut", len(got))
	}
}

// TestLargeDisplayIsNotCopied counts what is allocated for a message with the
// room behind it that a client leaves there.
func TestLargeDisplayIsNotCopied(t *testing.T) {
	const size = 16 << 20
	m := shownBy("display_data", "")
	content := make([]byte, 0, size+1024)
	content = append(content, `{"data": {"image/png": "`...)
	content = append(content, strings.Repeat("A", size)...)
	m.Content = append(content, `"}, "metadata": {"a": 1}, "transient": {}}`...)
	show := runner.Translator("r", quire.DefaultRunSettings())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	events := show(m)
	runtime.ReadMemStats(&after)
	if len(events) != 1 {
		t.Fatalf("got %d events", len(events))
	}
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20); got > limit {
		t.Errorf("got %d bytes allocated for a message of %d, want at most %d", got, size, limit)
	}
}

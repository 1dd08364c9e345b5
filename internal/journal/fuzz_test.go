package journal_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

// Whatever the events are, nothing panics and the notebook is valid; and who
// applies the same events again has the same notebook.
func FuzzApply(f *testing.F) {
	for _, events := range scripts() {
		var lines []byte
		for _, e := range events {
			line, err := json.Marshal(e)
			if err != nil {
				f.Fatal(err)
			}
			lines = append(append(lines, line...), '\n')
		}
		f.Add(lines)
	}
	f.Add([]byte(`{"started":{"injected":{"index":2,"id":"two"}}}
{"cellStarted":{"cell":2}}
{"output":{"cell":2,"displayId":"d","output":{"output_type":"execute_result","data":{"text/plain":[1],"application/json":{}},"execution_count":-1}}}
{"stream":{"cell":2,"name":"x","text":"a\r\u001b[31mb\b\u001b[Kc"}}
{"outputCut":{"cell":2,"bytes":"-1"}}
{"usage":{"cpuSeconds":-1e300,"memoryBytes":"-1"}}
{"kernelReady":{"languageInfo":{"name":"x","codemirror_mode":1}}}`))
	f.Add([]byte("{\"kernelReady\":{\"languageInfo\":{\"name\":\"\xff\",\"x\":\"\xff\"}}}\n" +
		"{\"cellStarted\":{\"cell\":1}}\n" +
		"{\"widgetUpdated\":{\"widgetId\":\"\xff\",\"state\":{\"_model_name\":\"OutputModel\",\"\xff\":\"\xff\"},\"buffers\":[{\"path\":[\"\xff\"]}]}}\n" +
		"{\"displayUpdated\":{\"displayId\":\"d\",\"data\":{\"text/plain\":\"\xff\"}}}\n" +
		"{\"output\":{\"cell\":1,\"output\":{\"output_type\":\"display_data\",\"data\":{\"\xff\":\"\xff\"}}}}"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		first, second := journal.NewNotebook(parse(t, input)), journal.NewNotebook(parse(t, input))
		for line := range bytes.Lines(lines) {
			var e quire.Event
			if json.Unmarshal(line, &e) != nil {
				continue
			}
			err := first.Apply(e)
			if again := second.Apply(e); (again == nil) != (err == nil) {
				t.Fatalf("got %v, then %v", err, again)
			}
		}
		text := write(t, first.Snapshot())
		if diff := cmp.Diff(text, write(t, second.Snapshot())); diff != "" {
			t.Fatal(diff)
		}
		if _, err := nbformat.Parse([]byte(text)); err != nil {
			t.Fatalf("the notebook cannot be read again: %v", err)
		}
	})
}

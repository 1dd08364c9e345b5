package warm

import (
	"bufio"
	"bytes"
	"testing"
)

// FuzzReadExit reads what a keeper that is none might send: any end is one
// that the bytes say, or none.
func FuzzReadExit(f *testing.F) {
	for _, s := range []string{"", "\n", "{}\n", `{"code": 3, "signal": 0}` + "\n", `{"code": -1, "signal": 9}`, `{"cold": "x"}` + "\n", "[]\n", `{"code": 1e99, "signal": 0}` + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		exit, ok := readExit(bufio.NewReader(bytes.NewReader(data)))
		if !ok && (exit.Code != 0 || exit.Signal != 0) {
			t.Errorf("got %v of what is no answer", exit)
		}
		if ok && !bytes.Contains(data, []byte("\n")) {
			t.Error("got an answer that has not ended")
		}
	})
}

// FuzzDescriptors reads control data that may be anything.
func FuzzDescriptors(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 24))
	f.Fuzz(func(_ *testing.T, oob []byte) { _, _ = descriptors(oob) }) // it must not panic
}

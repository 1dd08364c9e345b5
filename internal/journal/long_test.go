package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
)

const long = 2 << 20 // of an output's text: more than a Reader takes unseen

// longGroups are groups with long records: first, amid and last in theirs.
func longGroups(t *testing.T) [][]byte {
	t.Helper()
	return groups(t,
		[]quire.Event{started(), cellStarted(1)},
		[]quire.Event{display(1, "", strings.Repeat("a", long)), stdout(1, "b\n"), display(1, "d", strings.Repeat("c", long))},
		[]quire.Event{stdout(1, strings.Repeat("d", long))},
		[]quire.Event{display(1, "", "e"), display(1, "", strings.Repeat("f", long)), finished(1, quire.CellOK, 1), ended(quire.Succeeded)})
}

// TestLargeOutputIsWrittenAsAnyOther holds what a Writer writes of an output
// that it leaves in its place against what encoding/json makes of the event.
func TestLargeOutputIsWrittenAsAnyOther(t *testing.T) {
	for name, raw := range map[string]string{
		"compact": `{"data":{"image/png":"LONG"},"metadata":{},"output_type":"display_data"}`,
		"spaced":  `{"data": {"image/png": "LONG"}, "metadata": {}, "output_type": "display_data"}`,
		"odd":     "{\"data\":{\"a\":\"LONG<&>\u2028\\ud800\\u0041\"}}",
	} {
		e := quire.Event{Seq: 1, Time: noon, Output: &quire.Output{Cell: 3, WidgetID: "w", DisplayID: "d", Output: json.RawMessage(strings.Replace(raw, "LONG", strings.Repeat("x", long), 1))}}
		group, err := journal.Group(e)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
		if _, written, _ := bytes.Cut(group, []byte("+")); !bytes.Equal(written, want.Bytes()) {
			t.Errorf("%s: what is written is not what encoding/json writes", name)
		}
		got, err := readAll(journal.NewReader(bytes.NewReader(group)))
		if err != nil || len(got) != 1 {
			t.Errorf("%s: got %d events, error %v", name, len(got), err)
		}
	}
	bad := quire.Event{Output: &quire.Output{Output: json.RawMessage(`{"data":{"a":"` + strings.Repeat("x", long) + `"}`)}}
	if _, err := journal.Group(bad); err == nil {
		t.Error("a large output that is no JSON was taken")
	}
}

// TestLongRecords reads them from a file, as it stands and as it grows, and
// as a stream of bytes.
func TestLongRecords(t *testing.T) {
	parts := longGroups(t)
	data := bytes.Join(parts, nil)
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := readAll(journal.NewReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	var some []quire.Event
	for e, err := range read(journal.NewReader(bytes.NewReader(data)).NextMilestone) {
		if err != nil {
			t.Fatal(err)
		}
		some = append(some, e)
	}
	for name, durable := range map[string]int64{"durable": -1, "limited": int64(len(data)), "growing": 0} {
		for kind, want := range map[string][]quire.Event{"all": want, "milestones": some} {
			r, err := journal.OpenFile(path, durable)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			next := r.Next
			if kind == "milestones" {
				next = r.NextMilestone
			}
			var got []quire.Event
			length := max(durable, 0)
			for _, part := range parts {
				for e, err := range read(next) {
					if err != nil {
						t.Fatalf("%s, %s: %v", name, kind, err)
					}
					got = append(got, e)
				}
				length += int64(len(part))
				r.Extend(min(length, int64(len(data))))
			}
			for e, err := range read(next) {
				if err != nil {
					t.Fatalf("%s, %s: %v", name, kind, err)
				}
				got = append(got, e)
			}
			if !cmp.Equal(want, got, cmp.Comparer(func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })) || r.Offset() != int64(len(data)) || int(r.Seq()) != 10 {
				t.Errorf("%s, %s: got %d events up to byte %d, want %d up to %d", name, kind, len(got), r.Offset(), len(want), len(data))
			}
		}
	}
	w, err := journal.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.Seq() != 10 || w.Finished() == nil {
		t.Errorf("a Writer goes on after event %d with the end %v", w.Seq(), w.Finished())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedLongRecords changes a byte in each part of a record that readers
// pass over: whoever knows that it was durable must know it for damage, and a
// Writer must cut it off where it may be torn, and nowhere else.
func TestDamagedLongRecords(t *testing.T) {
	parts := longGroups(t)
	data := bytes.Join(parts, nil)
	path := filepath.Join(t.TempDir(), "journal")
	second := len(parts[0])
	last := len(data) - len(parts[3])
	inLast := last + bytes.IndexByte(parts[3], '\n') + 1
	for name, change := range map[string]struct {
		at int // from the start of the record
		to byte
	}{
		"checksum": {3, '_'}, "digit": {3, data[second+3] ^ 1}, "mark": {8, '?'}, "other mark": {8, ' '}, "number": {16, '8'},
		"text": {long / 2, 'z'}, "zero": {long / 2, 0}, "newline": {long / 2, '\n'}, "brace": {60, '{'},
	} {
		for _, record := range []int{second, inLast} {
			broken := bytes.Clone(data)
			if broken[record+change.at] == change.to {
				continue
			}
			broken[record+change.at] = change.to
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, milestones := range []bool{false, true} {
				r, err := journal.OpenFile(path, int64(len(data)))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				for err == nil {
					if milestones {
						_, err = r.NextMilestone()
					} else {
						_, err = r.NextRaw()
					}
				}
				if !errors.Is(err, journal.ErrCorrupt) || r.Offset() != int64(record) {
					t.Errorf("%s at %d, milestones %v: got %v, believed up to %d", name, record, milestones, err, r.Offset())
				}
			}
			w, err := journal.Open(path, nil)
			if record == second {
				if !errors.Is(err, journal.ErrCorrupt) {
					t.Errorf("%s at %d: got %v on opening, want ErrCorrupt", name, record, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s at %d: %v on opening", name, record, err)
				continue
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data[:record]) {
				t.Errorf("%s at %d: %d bytes are kept, want %d (%v)", name, record, len(after), record, err)
			}
		}
	}
}

// TestCutLongRecords ends the file within a long record.
func TestCutLongRecords(t *testing.T) {
	parts := longGroups(t)
	data := bytes.Join(parts[:2], nil)
	path := filepath.Join(t.TempDir(), "journal")
	for _, cut := range []int{long / 2, long, long + 40} {
		if err := os.WriteFile(path, data[:len(parts[0])+cut], 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := journal.OpenFile(path, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for err == nil {
			_, err = r.NextMilestone()
		}
		if !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("cut at %d: got %v, want ErrCorrupt", cut, err)
		}
		w, err := journal.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if w.Seq() != 2 {
			t.Errorf("cut at %d: a Writer goes on after event %d, want 2", cut, w.Seq())
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

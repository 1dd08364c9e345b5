package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
)

func TestReaderSkips(t *testing.T) {
	var events []quire.Event
	for i := range int32(10) {
		events = append(events, quire.Event{CellStarted: &quire.CellStarted{Cell: i}})
	}
	data := record(t, events...)
	for after := range int32(12) {
		r := journal.NewReader(iotest.OneByteReader(bytes.NewReader(data)))
		r.Skip(after)
		got, err := readAll(r)
		if want := int(max(10-after, 0)); err != nil || len(got) != want {
			t.Errorf("after %d: got %d events, %v, want %d", after, len(got), err, want)
		}
		if r.Seq() != 10 || r.Offset() != int64(len(data)) {
			t.Errorf("after %d: ended at event %d, byte %d", after, r.Seq(), r.Offset())
		}
	}
}

func TestReaderRaw(t *testing.T) {
	data := record(t, quire.Event{Started: &quire.Started{Attempt: 1}}, quire.Event{KernelReady: &quire.KernelReady{}})
	r := journal.NewReader(bytes.NewReader(data))
	for line := range bytes.Lines(data) {
		raw, err := r.NextRaw()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(line[9:len(line)-1]), string(raw)); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := r.NextRaw(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
}

// line makes a record with the right checksum.
func line(event string) string {
	return fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(event), crc32.MakeTable(crc32.Castagnoli)), event)
}

func TestReaderErrors(t *testing.T) {
	good := line(`{"seq":1,"time":"2026-11-23T12:00:00Z"}`)
	broken := errors.New("broken pipe")
	for name, tt := range map[string]struct {
		r    io.Reader
		want error
	}{
		"read error":          {io.MultiReader(strings.NewReader(good), iotest.ErrReader(broken)), broken},
		"no progress":         {idle{}, io.ErrNoProgress},
		"not an event":        {strings.NewReader(line(`{"seq":1,"time":5}`)), journal.ErrCorrupt},
		"broken JSON":         {strings.NewReader(line(`{"seq":1,"time`)), journal.ErrCorrupt},
		"no number":           {strings.NewReader(line(`{"time":"2026-11-23T12:00:00Z"}`) + good), journal.ErrCorrupt},
		"number too large":    {strings.NewReader(line(`{"seq":2147483648,"a":1}`) + good), journal.ErrCorrupt},
		"number far too long": {strings.NewReader(line(`{"seq":18446744073709551617,"a":1}`) + good), journal.ErrCorrupt},
		"number zero":         {strings.NewReader(line(`{"seq":0,"a":1}`) + good), journal.ErrCorrupt},
		"upper case checksum": {strings.NewReader(strings.ToUpper(good[:8]) + good[8:] + good), journal.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			r := journal.NewReader(tt.r)
			_, err := readAll(r)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if _, again := r.Next(); !errors.Is(again, tt.want) {
				t.Errorf("then: got %v, want %v", again, tt.want)
			}
		})
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// Whatever the bytes are, a Reader gives out what they hold whole, in order,
// and its offset says where that ends.
func FuzzReader(f *testing.F) {
	data := record(f, scripts()["widgets"]...)
	f.Add(data)
	f.Add(data[:len(data)-5])
	f.Add(append(bytes.Clone(data[:200]), data...))
	f.Add([]byte("00000000 \n"))
	f.Add([]byte(line(`{"seq":1,"time":"2026-11-23T12:00:00Z"}`) + "\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := journal.NewReader(bytes.NewReader(data))
		var seq int32
		for {
			raw, err := r.NextRaw()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, journal.ErrCorrupt) {
					t.Fatalf("unexpected error: %v", err)
				}
				break
			}
			if seq != 0 && r.Seq() != seq+1 {
				t.Fatalf("event %d follows event %d", r.Seq(), seq)
			}
			seq = r.Seq()
			if !bytes.HasSuffix(data[:r.Offset()], append(bytes.Clone(raw), '\n')) {
				t.Fatalf("offset %d is not the end of %q", r.Offset(), raw)
			}
		}
	})
}

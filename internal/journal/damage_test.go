package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
)

// groups returns the records of each group of a journal.
func groups(t testing.TB, groups ...[]quire.Event) [][]byte {
	t.Helper()
	var seq int32
	var written [][]byte
	for _, events := range groups {
		numbered := make([]quire.Event, len(events))
		for i, e := range events {
			seq++
			e.Seq, e.Time = seq, noon
			numbered[i] = e
		}
		group, err := journal.Group(numbered...)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, group)
	}
	return written
}

// threeGroups are those of a small journal.
func threeGroups(t testing.TB) [][]byte {
	return groups(t,
		[]quire.Event{started(), {KernelReady: &quire.KernelReady{}}},
		[]quire.Event{cellStarted(1), stdout(1, "a\n"), display(1, "", "b")},
		[]quire.Event{stdout(1, "c\n"), finished(1, quire.CellOK, 1), ended(quire.Succeeded)})
}

// wantCorrupt checks that a damaged journal is known for one, that it is not
// touched, and that nothing from the damage on is believed.
func wantCorrupt(t *testing.T, sound, broken []byte, what string) {
	t.Helper()
	r := journal.NewReader(bytes.NewReader(broken))
	if _, err := readAll(r); !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "at byte ") {
		t.Fatalf("%s: got %v, want ErrCorrupt", what, err)
	}
	if end := r.Offset(); !bytes.Equal(sound[:end], broken[:end]) {
		t.Fatalf("%s: %d bytes were believed", what, end)
	}
}

func wantCorruptFile(t *testing.T, path string, broken []byte, what string) {
	t.Helper()
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(path, nil); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("%s: got %v on opening, want ErrCorrupt", what, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, broken) {
		t.Fatalf("%s: a damaged journal was changed (%v)", what, err)
	}
}

// Every bit counts that was durable when the last group was written, though
// nobody has told how long the journal was.
func TestBitRotBeforeTheLastGroup(t *testing.T) {
	parts := threeGroups(t)
	data := bytes.Join(parts, nil)
	path := filepath.Join(t.TempDir(), "journal")
	for at := range len(parts[0]) + len(parts[1]) {
		for bit := range 8 {
			broken := bytes.Clone(data)
			broken[at] ^= 1 << bit
			what := fmt.Sprintf("bit %d of byte %d flipped", bit, at)
			wantCorrupt(t, data, broken, what)
			if at%16 == 0 && bit == at/16%8 {
				wantCorruptFile(t, path, broken, what)
			}
		}
	}
}

// Bytes that are gone, or zero, or of another place, are found as well.
func TestRangesLostBeforeTheLastGroup(t *testing.T) {
	parts := threeGroups(t)
	data := bytes.Join(parts, nil)
	durable := len(parts[0]) + len(parts[1])
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		from := rng.IntN(durable)
		to := from + 1 + rng.IntN(durable-from)
		for name, middle := range map[string][]byte{
			"missing":  nil,
			"zero":     make([]byte, to-from),
			"newlines": bytes.Repeat([]byte("\n"), to-from),
			"moved":    data[durable-(to-from) : durable],
		} {
			broken := bytes.Join([][]byte{data[:from], middle, data[to:]}, nil)
			if bytes.Equal(broken, data) {
				continue
			}
			wantCorrupt(t, data, broken, fmt.Sprintf("bytes %d to %d %s", from, to, name))
		}
	}
}

// Who knows the durable length knows every bad byte for damage, also in the
// last group, and a journal that is too short.
func TestBitRotWithinTheDurableLength(t *testing.T) {
	data := bytes.Join(threeGroups(t), nil)
	path := filepath.Join(t.TempDir(), "journal")
	check := func(t *testing.T, broken []byte, durable int64, what string) {
		t.Helper()
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := journal.OpenFile(path, durable)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for range 2 {
			if _, err := readAll(r); !errors.Is(err, journal.ErrCorrupt) {
				t.Fatalf("%s, durable %d: got %v, want ErrCorrupt", what, durable, err)
			}
			r.Extend(int64(2 * len(data)))
		}
	}
	for at := range data {
		broken := bytes.Clone(data)
		broken[at] ^= 1 << (at % 8)
		what := fmt.Sprintf("byte %d flipped", at)
		check(t, broken, int64(len(data)), what)
		check(t, broken, -1, what)
		check(t, data[:at], int64(len(data)), fmt.Sprintf("cut at %d", at))
		if at > 0 && data[at-1] != '\n' {
			check(t, data[:at], -1, fmt.Sprintf("cut at %d", at))
		}
	}
}

// What lies beyond the durable length is nobody's business yet.
func TestGarbageBeyondTheDurableLength(t *testing.T) {
	parts := threeGroups(t)
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, append(bytes.Join(parts[:2], nil), "garbage\n\x00\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := journal.OpenFile(path, int64(len(parts[0])))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := readAll(r); err != nil || len(got) != 2 {
		t.Errorf("got %d events, %v, want 2", len(got), err)
	}
	r.Extend(int64(len(parts[0]) + len(parts[1])))
	if got, err := readAll(r); err != nil || len(got) != 3 {
		t.Errorf("got %d more events, %v, want 3", len(got), err)
	}
}

func TestMissingEvents(t *testing.T) {
	one := groups(t, []quire.Event{started()}, []quire.Event{{KernelReady: &quire.KernelReady{}}}, []quire.Event{cellStarted(1)})
	old := []byte(line(`{"seq":1,"time":"2026-11-23T12:00:00Z"}`) + line(`{"seq":3,"time":"2026-11-23T12:00:00Z"}`))
	for name, data := range map[string][]byte{
		"gap":                   append(bytes.Clone(one[0]), one[2]...),
		"gap in an old journal": old,
		"repeated":              append(bytes.Clone(one[0]), one[0]...),
		"beginning":             append(bytes.Clone(one[1]), one[2]...),
	} {
		t.Run(name, func(t *testing.T) {
			wantCorruptFile(t, filepath.Join(t.TempDir(), "journal"), data, name)
		})
	}
}

// A journal from before groups were marked is read, continued, and refused
// where any record follows what is bad: each may have been synced by itself.
func TestOldJournal(t *testing.T) {
	old := []string{
		line(`{"seq":1,"time":"2026-11-23T12:00:00Z","started":{"attempt":1,"cells":1}}`),
		line(`{"seq":2,"time":"2026-11-23T12:00:00Z","cellStarted":{"cell":0}}`),
		line(`{"seq":3,"time":"2026-11-23T12:00:00Z","stream":{"cell":0,"name":"stdout","text":"x"}}`),
	}
	data := []byte(strings.Join(old, ""))
	path := filepath.Join(t.TempDir(), "journal")
	for at := range len(old[0]) + len(old[1]) - 1 {
		broken := bytes.Clone(data)
		broken[at] ^= 2
		wantCorrupt(t, data, broken, fmt.Sprintf("byte %d flipped", at))
	}
	for cut := range len(data) + 1 {
		r := journal.NewReader(bytes.NewReader(data[:cut]))
		if got, err := readAll(r); err != nil || len(got) != bytes.Count(data[:cut], []byte("\n")) {
			t.Fatalf("cut at %d: %d events, %v", cut, len(got), err)
		}
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	w := openWriter(t, path, nil)
	appendAll(t, w, finished(0, quire.CellOK, 1))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	grown, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(journal.NewReader(bytes.NewReader(grown))); err != nil || len(got) != 4 {
		t.Errorf("continued: %d events, %v, want 4", len(got), err)
	}
	for at := range data {
		broken := bytes.Clone(grown)
		broken[at] ^= 2
		wantCorrupt(t, grown, broken, fmt.Sprintf("continued, then byte %d flipped", at))
	}
}

// zeros is an endless file of zeros of which so many bytes are left.
type zeros int64

func (z *zeros) Read(p []byte) (int, error) {
	if *z == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), int64(*z))
	clear(p[:n])
	*z -= zeros(n)
	return int(n), nil
}

// However long the garbage is, it is looked through in the memory of a chunk,
// and what comes after it is found.
func TestEndlessGarbage(t *testing.T) {
	parts := threeGroups(t)
	endless := func() io.Reader { z := zeros(4 << 20); return &z }
	for name, garbage := range map[string]func() io.Reader{
		"zeros":            endless,
		"a record's start": func() io.Reader { return io.MultiReader(bytes.NewReader(parts[1][:40]), endless()) },
		"heads of records": func() io.Reader { return strings.NewReader("?" + strings.Repeat(`00000000+{"seq":3,`, 1<<17)) },
		"newlines":         func() io.Reader { return strings.NewReader(strings.Repeat("\n", 2<<20)) },
		"lines that go on": func() io.Reader { return bytes.NewReader(bytes.Repeat(parts[1][len(parts[1])-90:], 1<<14)) },
	} {
		t.Run(name, func(t *testing.T) {
			src := io.MultiReader(bytes.NewReader(parts[0]), garbage())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := journal.NewReader(src)
			if _, err := readAll(r); err != nil || r.Seq() != 2 || r.Offset() != int64(len(parts[0])) {
				t.Errorf("got event %d, byte %d, %v", r.Seq(), r.Offset(), err)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
				t.Errorf("it took %d bytes of memory", got)
			}
			r = journal.NewReader(io.MultiReader(bytes.NewReader(parts[0]), garbage(), bytes.NewReader(parts[2])))
			if _, err := readAll(r); !errors.Is(err, journal.ErrCorrupt) {
				t.Errorf("with a group after it: got %v, want ErrCorrupt", err)
			}
		})
	}
}

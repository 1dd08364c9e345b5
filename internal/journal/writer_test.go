package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func openWriter(t *testing.T, path string, opts *journal.WriterOptions) *journal.Writer {
	t.Helper()
	w, err := journal.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func appendAll(t *testing.T, w *journal.Writer, events ...quire.Event) {
	t.Helper()
	for _, e := range events {
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

// record writes events as a journal and returns its bytes.
func record(t testing.TB, events ...quire.Event) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	w, err := journal.Open(path, &journal.WriterOptions{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readAll(r *journal.Reader) ([]quire.Event, error) {
	var events []quire.Event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

func TestFormat(t *testing.T) {
	data := record(t,
		quire.Event{Started: &quire.Started{Attempt: 1, Cells: 2}},
		quire.Event{Time: noon.In(time.FixedZone("", 3600)), Stream: &quire.Stream{Name: "stdout", Text: "<a>\n\xff"}},
		quire.Event{Output: &quire.Output{Cell: 1, Output: json.RawMessage("{\n \"x\": \"\xff\"}")}},
	)
	want := `43f9a014+{"seq":1,"time":"2026-11-23T12:00:00Z","started":{"attempt":1,"cells":2}}
` + `HEAD{"seq":2,"time":"2026-11-23T12:00:00Z","stream":{"cell":0,"name":"stdout","text":"<a>\n\ufffd"}}
` + `HEAD{"seq":3,"time":"2026-11-23T12:00:00Z","output":{"cell":1,"output":{"x":"` + "\uFFFD" + `"}}}
`
	got := strings.SplitAfter(string(data), "\n")
	for i, line := range strings.SplitAfter(want, "\n") {
		if i < len(got) && strings.HasPrefix(line, "HEAD") {
			got[i] = "HEAD" + got[i][9:] // it tells how they were grouped, too
		}
	}
	if diff := cmp.Diff(want, strings.Join(got, "")); diff != "" {
		t.Error(diff)
	}
}

func TestReopenAndContinue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var want []quire.Event
	for i := range int32(5) {
		w := openWriter(t, path, &journal.WriterOptions{Now: func() time.Time { return noon }})
		if w.Seq() != 2*i {
			t.Errorf("Seq after opening: got %d, want %d", w.Seq(), 2*i)
		}
		for j := range int32(2) {
			e := quire.Event{CellStarted: &quire.CellStarted{Cell: i}}
			appendAll(t, w, e)
			e.Seq, e.Time = 2*i+j+1, noon
			want = append(want, e)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := journal.OpenFile(path, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
}

func TestTornTail(t *testing.T) {
	events := []quire.Event{
		{Started: &quire.Started{Attempt: 1, Cells: 1}},
		{CellStarted: &quire.CellStarted{}},
		{Stream: &quire.Stream{Name: "stdout", Text: "hi\n"}},
	}
	data := record(t, events...)
	dir := t.TempDir()
	for cut := range len(data) + 1 {
		path := filepath.Join(dir, fmt.Sprint(cut))
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := bytes.Count(data[:cut], []byte("\n"))
		checkTorn(t, path, data, cut, whole)
	}
}

// checkTorn checks that the first whole events of a journal are read from its
// torn copy, and that a writer goes on after them.
func checkTorn(t *testing.T, path string, data []byte, cut, whole int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := journal.NewReader(f)
	got, err := readAll(r)
	if err != nil || len(got) != whole {
		t.Fatalf("cut at %d: read %d events, %v, want %d", cut, len(got), err, whole)
	}
	if end := int64(bytes.LastIndexByte(data[:cut], '\n') + 1); r.Offset() != end {
		t.Errorf("cut at %d: offset %d, want %d", cut, r.Offset(), end)
	}
	w := openWriter(t, path, nil)
	appendAll(t, w, quire.Event{KernelReady: &quire.KernelReady{}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err = readAll(journal.NewReader(bytes.NewReader(after)))
	if err != nil || len(got) != whole+1 || got[whole].Seq != int32(whole+1) || got[whole].KernelReady == nil {
		t.Errorf("cut at %d, then continued: %d events, %v", cut, len(got), err)
	}
}

// A record that is whole but wrong at the end is a torn one, too: the disk may
// have kept its length and lost its bytes.
func TestBrokenLastRecord(t *testing.T) {
	data := record(t, quire.Event{Started: &quire.Started{}}, quire.Event{CellStarted: &quire.CellStarted{Cell: 7}})
	last := bytes.IndexByte(data, '\n') + 1
	for name, tail := range map[string][]byte{
		"flipped":            bytes.Replace(data[last:], []byte("7"), []byte("8"), 1),
		"zeroes":             make([]byte, len(data)-last),
		"empty":              []byte("\n"),
		"nothing but a head": []byte("00000000 \n"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			broken := append(bytes.Clone(data[:last]), tail...)
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			checkTorn(t, path, data, last, 1)
		})
	}
}

func TestFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	w := openWriter(t, path, nil)
	stray := quire.Event{CellStarted: &quire.CellStarted{}}
	appendAll(t, w, quire.Event{Started: &quire.Started{Attempt: 1}}, quire.Event{Finished: &quire.Finished{State: quire.Failed, Retry: true}})
	if err := w.Append(stray); !errors.Is(err, journal.ErrFinished) {
		t.Errorf("append before the retry: got %v, want ErrFinished", err)
	}
	appendAll(t, w, quire.Event{Started: &quire.Started{Attempt: 2}})
	if w.Finished() != nil {
		t.Errorf("Finished in the second attempt: got %v, want nil", w.Finished())
	}
	appendAll(t, w, quire.Event{Finished: &quire.Finished{State: quire.Succeeded}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = openWriter(t, path, nil)
	if diff := cmp.Diff(&quire.Finished{State: quire.Succeeded}, w.Finished()); diff != "" {
		t.Error(diff)
	}
	if err := w.Append(stray); !errors.Is(err, journal.ErrFinished) {
		t.Errorf("append after the end: got %v, want ErrFinished", err)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	w := openWriter(t, path, nil)
	if _, err := journal.Open(path, nil); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("second writer: got %v, want ErrLocked", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	openWriter(t, path, nil)
}

func TestClose(t *testing.T) {
	w := openWriter(t, filepath.Join(t.TempDir(), "journal"), nil)
	for range 3 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := w.Append(quire.Event{}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append: got %v, want ErrClosed", err)
	}
	if err := w.Sync(t.Context()); err != nil {
		t.Errorf("sync: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := journal.Open(filepath.Join(t.TempDir(), "no", "journal"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: got %v, want ErrNotExist", err)
	}
	if _, err := journal.OpenFile(filepath.Join(t.TempDir(), "journal"), -1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want ErrNotExist", err)
	}
}

// disk is a file that fails when told, and notes what was synced.
type disk struct {
	journal.File
	mu      sync.Mutex
	written int64
	synced  int64
	syncs   int
	hold    chan struct{} // Sync waits for it to be closed, if it is there
	onWrite func(p []byte) (int, error)
	syncErr error
}

func (d *disk) Write(p []byte) (int, error) {
	if d.onWrite != nil {
		return d.onWrite(p)
	}
	n, err := d.File.Write(p)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written += int64(n)
	return n, err
}

func (d *disk) Sync() error {
	if d.hold != nil {
		<-d.hold
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.syncErr != nil {
		return d.syncErr
	}
	d.synced = d.written
	return d.File.Sync()
}

func (d *disk) under(opts journal.WriterOptions) *journal.WriterOptions {
	return opts.OnFile(func(f journal.File) journal.File {
		d.File = f
		return d
	})
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	durable := int64(-1)
	d := &disk{onWrite: full.Write}
	w := openWriter(t, filepath.Join(t.TempDir(), "journal"), d.under(journal.WriterOptions{Durable: func(n int64) { durable = n }}))
	appendAll(t, w, quire.Event{Started: &quire.Started{}})
	first := w.Sync(t.Context())
	if first == nil || !strings.Contains(first.Error(), "no space left") {
		t.Fatalf("sync: got %v, want ENOSPC", first)
	}
	d.onWrite = nil // there is room again, too late
	for what, err := range map[string]error{"append": w.Append(quire.Event{}), "sync": w.Sync(t.Context()), "close": w.Close()} {
		if !errors.Is(err, first) {
			t.Errorf("%s afterwards: got %v, want %v", what, err, first)
		}
	}
	if durable != 0 {
		t.Errorf("durable: got %d, want 0", durable)
	}
}

func TestFailedSyncIsFinal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	durable := int64(-1)
	d := &disk{}
	w := openWriter(t, path, d.under(journal.WriterOptions{Durable: func(n int64) { durable = n }}))
	appendAll(t, w, quire.Event{Started: &quire.Started{}})
	if err := w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := durable
	lost := errors.New("medium error")
	d.mu.Lock()
	d.syncErr = lost
	d.mu.Unlock()
	appendAll(t, w, quire.Event{KernelReady: &quire.KernelReady{}})
	if err := w.Sync(t.Context()); !errors.Is(err, lost) {
		t.Fatalf("sync: got %v, want %v", err, lost)
	}
	d.mu.Lock()
	d.syncErr = nil
	syncs := d.syncs
	d.mu.Unlock()
	if err := w.Append(quire.Event{CellStarted: &quire.CellStarted{}}); !errors.Is(err, lost) {
		t.Errorf("append: got %v, want %v", err, lost)
	}
	if err := w.Close(); !errors.Is(err, lost) {
		t.Errorf("close: got %v, want %v", err, lost)
	}
	if durable != before || d.syncs != syncs {
		t.Errorf("after the failure: durable %d, want %d; %d syncs, want %d", durable, before, d.syncs, syncs)
	}
}

func TestGroupCommitAndBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{hold: make(chan struct{})}
		path := filepath.Join(t.TempDir(), "journal")
		w := openWriter(t, path, d.under(journal.WriterOptions{MaxPending: 10 << 10}))
		line := quire.Event{Stream: &quire.Stream{Name: "stdout", Text: strings.Repeat("x", 1000)}}
		appendAll(t, w, line)
		synctest.Wait() // until it is on the disk, which hangs
		const events, fit = 30, 9
		var appended sync.WaitGroup
		appended.Go(func() {
			for range events - 1 {
				if err := w.Append(line); err != nil {
					t.Error(err)
				}
			}
		})
		for taken := int32(1 + fit); ; taken += fit {
			synctest.Wait() // until the queue is full, or nothing is left to append
			if got, want := w.Seq(), min(taken, events); got != want {
				t.Fatalf("got %d events taken in while the disk hangs, want %d", got, want)
			}
			if taken >= events {
				break
			}
			d.hold <- struct{}{} // one sync succeeds
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		impatient := errors.New("impatient")
		cancel(impatient)
		if err := w.Sync(ctx); !errors.Is(err, impatient) {
			t.Errorf("sync: got %v, want %v", err, impatient)
		}
		close(d.hold)
		appended.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		// The one, three times as many as fit, and the two that were left.
		if want := 5; d.syncs != want {
			t.Errorf("got %d syncs for %d events, want %d", d.syncs, events, want)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var marks strings.Builder
		for line := range bytes.Lines(data) {
			marks.WriteByte(line[8])
		}
		rest := strings.Repeat("-", fit-1)
		if got, want := marks.String(), "++"+rest+"+"+rest+"+"+rest+"+-"; got != want {
			t.Errorf("got the groups %s, want %s", got, want)
		}
	})
}

// A deferred event causes no sync, and is never left behind.
func TestDefer(t *testing.T) {
	for name, after := range map[string]struct {
		do          func(context.Context, *journal.Writer) error
		least, most int // syncs
	}{
		"nothing": {func(context.Context, *journal.Writer) error { return nil }, 1, 1},
		"append":  {func(_ context.Context, w *journal.Writer) error { return w.Append(started()) }, 2, 2},
		"sync":    {func(ctx context.Context, w *journal.Writer) error { return w.Sync(ctx) }, 2, 2},
		"no room": {func(_ context.Context, w *journal.Writer) error { return w.Defer(stdout(0, strings.Repeat("x", 1000))) }, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{}
				path := filepath.Join(t.TempDir(), "journal")
				w := openWriter(t, path, d.under(journal.WriterOptions{MaxPending: 500}))
				appendAll(t, w, quire.Event{KernelReady: &quire.KernelReady{}})
				synctest.Wait() // until it is durable
				for range 2 {
					if err := w.Defer(usage(1)); err != nil {
						t.Fatal(err)
					}
				}
				if err := after.do(t.Context(), w); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if d.syncs < after.least || d.syncs > after.most {
					t.Errorf("got %d syncs, want %d to %d", d.syncs, after.least, after.most)
				}
				last := w.Seq()
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				r, err := journal.OpenFile(path, -1)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				events, err := readAll(r)
				if err != nil || len(events) != int(last) || events[1].Usage == nil || events[2].Usage == nil {
					t.Errorf("got %+v, %v, want %d events", events, err, last)
				}
			})
		})
	}
}

// An append that waits for room is let go by Close.
func TestCloseReleasesAppend(t *testing.T) {
	d := &disk{hold: make(chan struct{})}
	w := openWriter(t, filepath.Join(t.TempDir(), "journal"), d.under(journal.WriterOptions{MaxPending: 1}))
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() {
			if err := w.Append(quire.Event{}); err != nil && !errors.Is(err, journal.ErrClosed) {
				t.Error(err)
			}
		})
	}
	waiting.Go(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	close(d.hold)
	waiting.Wait()
}

func TestConcurrentAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	d := &disk{}
	var told []int64
	w := openWriter(t, path, d.under(journal.WriterOptions{Durable: func(size int64) {
		if d.File != nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			if size > d.synced {
				t.Errorf("told that %d bytes are durable, synced were %d", size, d.synced)
			}
		}
		told = append(told, size)
	}}))
	const writers, each = 8, 250
	var wg sync.WaitGroup
	for i := range int32(writers) {
		wg.Go(func() {
			for range each {
				if err := w.Append(quire.Event{CellStarted: &quire.CellStarted{Cell: i}}); err != nil {
					t.Error(err)
				}
			}
			if err := w.Sync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	events, err := readAll(journal.NewReader(bytes.NewReader(data)))
	if err != nil || len(events) != writers*each {
		t.Fatalf("got %d events, %v, want %d", len(events), err, writers*each)
	}
	for i := range told[1:] {
		if told[i+1] <= told[i] {
			t.Errorf("durable went from %d to %d", told[i], told[i+1])
		}
	}
	if told[0] != 0 || told[len(told)-1] != int64(len(data)) {
		t.Errorf("durable from %d to %d, want 0 to %d", told[0], told[len(told)-1], len(data))
	}
}

// Every length that is told ends a record.
func TestDurableEndsRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var last int64
	w := openWriter(t, path, &journal.WriterOptions{Durable: func(n int64) { last = n }})
	r, err := journal.OpenFile(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range int32(20) {
		appendAll(t, w, quire.Event{CellStarted: &quire.CellStarted{Cell: i}})
		if err := w.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("before the limit was raised: got %v, want EOF", err)
		}
		r.Extend(last)
		e, err := r.Next()
		if err != nil || e.Seq != i+1 || r.Offset() != last {
			t.Fatalf("got event %d up to %d, %v, want %d up to %d", e.Seq, r.Offset(), err, i+1, last)
		}
	}
}

func TestLargeEvent(t *testing.T) {
	large := strings.Repeat("é", 4<<20)
	data := record(t,
		quire.Event{Started: &quire.Started{}},
		quire.Event{Stream: &quire.Stream{Name: "stdout", Text: large}},
		quire.Event{Finished: &quire.Finished{State: quire.Succeeded}},
	)
	events, err := readAll(journal.NewReader(bytes.NewReader(data)))
	if err != nil || len(events) != 3 || events[1].Stream.Text != large {
		t.Fatalf("got %d events, %v", len(events), err)
	}
}

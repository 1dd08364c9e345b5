package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
)

// limitedDisk has room for so many bytes, and tells of every call.
type limitedDisk struct {
	journal.File
	room int64
	left atomic.Int64 // the size given to LeaveRoom
}

func (d *limitedDisk) TakeRoom(offset, n int64) error {
	if offset+n > d.room {
		return syscall.ENOSPC
	}
	return nil
}

func (d *limitedDisk) LeaveRoom(size int64) error {
	d.left.Store(size)
	return nil
}

func TestLastWordsOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	d := &limitedDisk{room: 200 << 10}
	var why error
	var durable int64
	options := journal.WriterOptions{
		Durable: func(n int64) { durable = n },
		LastWords: func(err error, begun bool) []quire.Event {
			why = err
			if begun {
				t.Error("an attempt has begun that was never started")
			}
			return []quire.Event{
				{Started: &quire.Started{Attempt: 1}},
				{Finished: &quire.Finished{State: quire.Failed, Failure: &quire.Failure{Kind: quire.QuireFault, Message: "full"}}},
			}
		},
	}
	w := openWriter(t, path, options.OnFile(func(f journal.File) journal.File { d.File = f; return d }))
	line := quire.Event{Stream: &quire.Stream{Name: "stdout", Text: strings.Repeat("x", 10<<10)}}
	var written int32
	var err error
	for err == nil {
		if err = w.Append(line); err == nil {
			if err = w.Sync(t.Context()); err == nil {
				written++
			}
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(why, syscall.ENOSPC) {
		t.Fatalf("got %v, told %v, want that there is no space", err, why)
	}
	// Who has failed still runs, and nobody else is to begin beside it.
	if _, err := journal.Open(path, nil); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("open beside it: got %v, want that it is locked", err)
	}
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: got %v, want that there is no space", err)
	}
	if f := w.Finished(); f == nil || f.Failure.Message != "full" || w.Seq() != written+2 {
		t.Errorf("got the end %+v as number %d, want the last words as number %d", f, w.Seq(), written+2)
	}
	// A journal uses its room up to the end, last words and a step apart.
	if durable != d.left.Load() || durable < 170<<10 {
		t.Errorf("got %d durable bytes and room left at %d", durable, d.left.Load())
	}
	again := openWriter(t, path, nil)
	if f := again.Finished(); f == nil || again.Seq() != written+2 {
		t.Errorf("opened again, it ends with %+v as number %d", f, again.Seq())
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLastWordsOfAnAttemptThatHasBegun(t *testing.T) {
	d := &limitedDisk{room: 200 << 10}
	var begun []bool
	options := journal.WriterOptions{LastWords: func(_ error, b bool) []quire.Event {
		begun = append(begun, b)
		return []quire.Event{{Finished: &quire.Finished{State: quire.Failed}}}
	}}
	w := openWriter(t, filepath.Join(t.TempDir(), "journal"), options.OnFile(func(f journal.File) journal.File { d.File = f; return d }))
	appendAll(t, w, quire.Event{Started: &quire.Started{Attempt: 1}})
	if err := w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, quire.Event{Stream: &quire.Stream{Name: "stdout", Text: strings.Repeat("x", 300<<10)}})
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: got %v, want that there is no space", err)
	}
	if diff := cmp.Diff(begun, []bool{true}); diff != "" || w.Seq() != 2 {
		t.Errorf("asked with (-got +want):\n%s\nand the last event is number %d", diff, w.Seq())
	}
}

func TestFullDiskWithoutLastWords(t *testing.T) {
	d := &limitedDisk{}
	w := openWriter(t, filepath.Join(t.TempDir(), "journal"), journal.WriterOptions{}.OnFile(func(f journal.File) journal.File { d.File = f; return d }))
	appendAll(t, w, quire.Event{Started: &quire.Started{}})
	if err := w.Sync(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want that there is no space", err)
	}
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: got %v, want that there is no space", err)
	}
}

// TestRoomIsGivenBack asks the real file system.
func TestRoomIsGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	w := openWriter(t, path, nil)
	appendAll(t, w, quire.Event{Started: &quire.Started{}})
	if err := w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	during := blocks(t, path)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if after := blocks(t, path); after > during || after > 4096/512*2 {
		t.Errorf("got %s afterwards and %s before, want no more than the journal needs", kib(after), kib(during))
	}
}

// blocks returns how much of the disk a file has, in units of 512 bytes.
func blocks(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no stat")
	}
	return stat.Blocks
}

func kib(blocks int64) string { return fmt.Sprintf("%d KiB", blocks/2) }

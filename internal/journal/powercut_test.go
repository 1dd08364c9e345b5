package journal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
)

// A recorder notes what a Writer asks of its disk, and what it tells, in order.
// Each Sync waits for a word, so that a test knows what is in the next group.
type recorder struct {
	journal.File
	entered chan struct{}
	leave   chan struct{}
	steps   []step
}

// step is one thing that happened: exactly one of the fields is set.
type step struct {
	written []byte
	synced  bool
	told    int64 // the durable length
}

func (r *recorder) Write(p []byte) (int, error) {
	r.steps = append(r.steps, step{written: bytes.Clone(p)})
	return r.File.Write(p)
}

func (r *recorder) Sync() error {
	r.entered <- struct{}{}
	<-r.leave
	r.steps = append(r.steps, step{synced: true})
	return r.File.Sync()
}

// recordSteps opens the journal at path and appends groups to it, the first of
// which can be of one event only.
func recordSteps(t *testing.T, path string, groups ...[]quire.Event) []step {
	t.Helper()
	r := &recorder{entered: make(chan struct{}), leave: make(chan struct{})}
	opts := journal.WriterOptions{Durable: func(n int64) {
		if n > 0 {
			r.steps = append(r.steps, step{told: n})
		}
	}}
	w := openWriter(t, path, opts.OnFile(func(f journal.File) journal.File {
		r.File = f
		return r
	}))
	appendAll(t, w, groups[0]...)
	for _, next := range groups[1:] {
		<-r.entered
		appendAll(t, w, next...)
		r.leave <- struct{}{}
	}
	<-r.entered
	r.leave <- struct{}{}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return r.steps
}

// crash is a moment at which the power is cut.
type crash struct {
	synced []byte // what the disk certainly has
	loose  []byte // what was written after that
	told   int64  // the length that was told to be durable
}

// crashes returns every moment between two steps of a journal that held before.
func crashes(before []byte, steps []step) []crash {
	now := crash{synced: before, told: int64(len(before))}
	all := []crash{now}
	for _, s := range steps {
		switch {
		case s.synced:
			now.synced, now.loose = append(bytes.Clone(now.synced), now.loose...), nil
		case s.told > 0:
			now.told = s.told
		default:
			now.loose = append(bytes.Clone(now.loose), s.written...)
		}
		all = append(all, now)
	}
	return all
}

// garbage overwrites what a disk may leave in a block that it has not written.
func garbage(rng *rand.Rand, b []byte) {
	switch rng.IntN(4) {
	case 0:
		clear(b)
	case 1:
		copy(b, bytes.Repeat([]byte("\n"), len(b)))
	case 2:
		copy(b, bytes.Repeat([]byte("0123456789abcdef+{\"seq\":4,"), len(b)/26+1))
	default:
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	}
}

// image returns what a disk of such blocks may hold afterwards: the file ends
// at size, and of the blocks with loose bytes those are kept whose bit is set.
func (c crash) image(rng *rand.Rand, block, size int, kept uint64) []byte {
	image := append(bytes.Clone(c.synced), c.loose...)
	first := len(c.synced) / block
	for i := first; i*block < len(image); i++ {
		if kept>>(i-first)&1 == 0 {
			garbage(rng, image[max(i*block, len(c.synced)):min((i+1)*block, len(image))])
		}
	}
	return image[:size]
}

// blocks returns how many blocks hold loose bytes.
func (c crash) blocks(block int) int {
	return (len(c.synced)+len(c.loose)+block-1)/block - len(c.synced)/block
}

// checkImage checks that a journal's crash image holds all that was told, and
// that what is believed beyond it was written just so.
func (c crash) checkImage(t *testing.T, image []byte) (believed int) {
	t.Helper()
	r := journal.NewReader(bytes.NewReader(image))
	events, err := readAll(r)
	if err != nil {
		t.Fatalf("after a power cut: %v\n%q", err, image)
	}
	if r.Offset() < c.told || int64(len(c.synced)) < c.told {
		t.Fatalf("%d bytes were told to be durable, %d are there\n%q", c.told, r.Offset(), image)
	}
	written := append(bytes.Clone(c.synced), c.loose...)
	if !bytes.Equal(image[:r.Offset()], written[:r.Offset()]) {
		t.Fatalf("what is believed was not written\n%q", image)
	}
	for i, e := range events {
		if e.Seq != int32(i+1) {
			t.Fatalf("event %d stands where %d should", e.Seq, i+1)
		}
	}
	return len(events)
}

// checkReopen checks that a Writer goes on after what is believed, and that
// the next one agrees.
func checkReopen(t *testing.T, path string, image []byte, believed int) {
	t.Helper()
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	w := openWriter(t, path, nil)
	if int(w.Seq()) != believed {
		t.Fatalf("opened at event %d, want %d\n%q", w.Seq(), believed, image)
	}
	if f := w.Finished(); f == nil {
		appendAll(t, w, quire.Event{KernelReady: &quire.KernelReady{}}, quire.Event{CellStarted: &quire.CellStarted{}})
		believed += 2
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := openWriter(t, path, nil)
	if err := again.Close(); err != nil || int(again.Seq()) != believed {
		t.Fatalf("opened again at event %d, %v, want %d\n%q", again.Seq(), err, believed, image)
	}
}

// Every moment of a small journal's life, every length the file may have, and
// every selection of its small blocks that reached the disk.
func TestPowerCutExhaustively(t *testing.T) {
	const block = 64
	dir := t.TempDir()
	steps := recordSteps(t, filepath.Join(dir, "journal"),
		[]quire.Event{started()},
		[]quire.Event{cellStarted(1), stdout(1, "a\n"), stdout(1, "b\n")},
		[]quire.Event{finished(1, quire.CellOK, 1), {Finished: &quire.Finished{State: quire.Succeeded}}})
	moments := crashes(nil, steps)
	first := groups(t, []quire.Event{started(), cellStarted(1), stdout(1, "a\n")})[0]
	moments = append(moments, crash{loose: first}) // a first group of several events
	rng := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(dir, "image")
	images := 0
	check := func(c crash, image []byte) {
		believed := c.checkImage(t, image)
		if images%16 == 0 {
			checkReopen(t, path, image, believed)
		}
		images++
	}
	for _, c := range moments {
		end := len(c.synced) + len(c.loose)
		for size := len(c.synced); size <= end; size++ {
			check(c, c.image(rng, block, size, ^uint64(0)))
		}
		for kept := range uint64(1) << c.blocks(block) {
			for size := len(c.synced); size <= end; size += block / 3 {
				check(c, c.image(rng, block, size, kept))
			}
			check(c, c.image(rng, block, end, kept))
		}
	}
	t.Logf("%d images", images)
}

// A journal goes through one power cut after the other, with blocks as disks
// have them, and never loses what was told once.
func TestPowerCutAgainAndAgain(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, seed))
			path := filepath.Join(t.TempDir(), "journal")
			var disk []byte
			var believed, told int
			for range 12 {
				steps := recordSteps(t, path, randomGroups(rng)...)
				moments := crashes(disk, steps)
				c := moments[rng.IntN(len(moments))]
				size := len(c.synced) + rng.IntN(len(c.loose)+1)
				if rng.IntN(2) == 0 {
					size = len(c.synced) + len(c.loose)
				}
				image := c.image(rng, 512, size, rng.Uint64()|rng.Uint64())
				believed = c.checkImage(t, image)
				if believed < told {
					t.Fatalf("%d events are left of %d that were told", believed, told)
				}
				checkReopen(t, path+".copy", image, believed)
				if err := os.WriteFile(path, image, 0o600); err != nil {
					t.Fatal(err)
				}
				w := openWriter(t, path, nil) // which cuts off what is torn
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				var err error
				if disk, err = os.ReadFile(path); err != nil {
					t.Fatal(err)
				}
				told = believed
			}
		})
	}
}

// randomGroups returns groups of events of all sizes, with many blocks or with
// many in a block.
func randomGroups(rng *rand.Rand) [][]quire.Event {
	all := [][]quire.Event{{cellStarted(0)}}
	for range 1 + rng.IntN(5) {
		var group []quire.Event
		for range 1 + rng.IntN(6) {
			text := strings.Repeat("\"x\n\\é", rng.IntN(1<<rng.IntN(9)))
			group = append(group, stdout(0, text))
		}
		all = append(all, group)
	}
	return all
}

// Whatever becomes of a group that was not durable, the journal opens, has all
// before it, and believes nothing of the group beyond the first byte that was lost.
func FuzzTornGroup(f *testing.F) {
	f.Add(uint8(0), uint16(0), uint16(9999), []byte(nil))
	f.Add(uint8(1), uint16(3), uint16(9999), []byte("\x00\x00\n"))
	f.Add(uint8(2), uint16(70), uint16(9999), make([]byte, 64))
	f.Add(uint8(2), uint16(8), uint16(200), []byte("+"))
	f.Add(uint8(1), uint16(100), uint16(9999), []byte("00000000+{\"seq\":6,"))
	f.Fuzz(func(t *testing.T, durable uint8, at, size uint16, over []byte) {
		parts := threeGroups(t)
		n := int(durable) % len(parts)
		c := crash{synced: bytes.Join(parts[:n], nil), loose: parts[n]}
		c.told = int64(len(c.synced))
		image := append(bytes.Clone(c.synced), c.loose...)
		from := len(c.synced) + int(at)%len(c.loose)
		copy(image[from:], over)
		image = image[:max(len(c.synced), min(int(size), len(image)))]
		checkReopen(t, filepath.Join(t.TempDir(), "journal"), image, c.checkImage(t, image))
	})
}

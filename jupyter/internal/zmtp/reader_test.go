package zmtp_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"quire/jupyter/internal/zmtp"
)

func parts(texts ...string) [][]byte {
	var bodies [][]byte
	for _, t := range texts {
		bodies = append(bodies, []byte(t))
	}
	return bodies
}

func TestReaderGivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB: several growths
	messages := [][][]byte{
		parts(""),
		parts("one"),
		parts("", "two", ""),
		parts(strings.Repeat("x", 255), strings.Repeat("y", 256)),
		parts("small", large, "small again", large[:40<<10]),
		parts("the end"),
	}
	var wire []byte
	for _, m := range messages {
		wire = zmtp.AppendMessage(wire, m...)
	}
	for name, in := range map[string]io.Reader{
		"at once": bytes.NewReader(wire),
		"halves":  iotest.HalfReader(bytes.NewReader(wire)),
	} {
		r := zmtp.NewReader(in, zmtp.Limits{})
		for i, want := range messages {
			got, command, err := r.Next()
			if err != nil || command != nil {
				t.Fatalf("%s: message %d: got command %q, error %v", name, i, command, err)
			}
			if !slices.EqualFunc(got.Parts, want, bytes.Equal) {
				t.Errorf("%s: message %d is not the one that was written", name, i)
			}
		}
		if _, _, err := r.Next(); err != io.EOF { //nolint:errorlint // bare on purpose
			t.Errorf("%s: got error %v at the end, want %v", name, err, io.EOF)
		}
	}
}

// TestMessagesAreTheCallers appends to each part of one message and reads on:
// no part may reach into another.
func TestMessagesAreTheCallers(t *testing.T) {
	t.Parallel()
	wire := zmtp.AppendMessage(nil, parts("a", "b", "c")...)
	r := zmtp.NewReader(bytes.NewReader(slices.Concat(wire, wire)), zmtp.Limits{})
	first, _, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range first.Parts {
		_ = append(p, "overwritten"...)
	}
	if _, _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&zmtp.Message{Parts: parts("a", "b", "c")}, first); diff != "" {
		t.Errorf("first message (-want +got):\n%s", diff)
	}
}

func TestCommandBetweenParts(t *testing.T) {
	t.Parallel()
	message := zmtp.AppendMessage(nil, parts("a", "b")...)
	ping := zmtp.AppendCommand(nil, "PING", []byte{0, 0})
	r := zmtp.NewReader(bytes.NewReader(slices.Concat(message[:3], ping, message[3:])), zmtp.Limits{})
	_, command, err := r.Next()
	if want := "\x04PING\x00\x00"; string(command) != want || err != nil {
		t.Fatalf("got command %q, error %v; want %q", command, err, want)
	}
	got, _, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&zmtp.Message{Parts: parts("a", "b")}, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	limits := zmtp.Limits{Frame: 100, Message: 150, Parts: 3}
	tests := map[string]struct {
		wire string
		want error
	}{
		"frame":         {"\x00\x65", zmtp.ErrTooLarge},
		"parts":         {"\x01\x00\x01\x00\x01\x00\x00\x00", zmtp.ErrTooLarge},
		"command":       {"\x06\x00\x00\x00\x00\x7f\xff\xff\xff", zmtp.ErrTooLarge},
		"command parts": {"\x05\x00", zmtp.ErrProtocol},
		"flags":         {"\x08\x00", zmtp.ErrProtocol},
		"negative size": {"\x02\xff\xff\xff\xff\xff\xff\xff\xff", zmtp.ErrTooLarge},
		"cut size":      {"\x02\x00\x00", io.ErrUnexpectedEOF},
		"no size":       {"\x00", io.ErrUnexpectedEOF},
		"cut body":      {"\x00\x05abc", io.ErrUnexpectedEOF},
		"no body":       {"\x00\x05", io.ErrUnexpectedEOF},
		"cut message":   {"\x01\x01a", io.ErrUnexpectedEOF},
		"nothing":       {"", io.EOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := zmtp.NewReader(strings.NewReader(tt.wire), limits).Next()
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

// TestMemoryFollowsWhatComes sends the claim of a frame just within the limit
// and little of the frame itself.
func TestMemoryFollowsWhatComes(t *testing.T) {
	claim := "\x02\x00\x00\x00\x00\x0f\xff\xff\xff" + strings.Repeat("x", 2<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := zmtp.NewReader(strings.NewReader(claim), zmtp.Limits{}).Next()
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got error %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(16<<20); got > limit {
		t.Errorf("got %d bytes allocated for 2 MiB, want at most %d", got, limit)
	}
}

// TestLargeFrameIsCopiedLittle counts what is allocated on the way to a large
// frame, and asks for the room behind it.
func TestLargeFrameIsCopiedLittle(t *testing.T) {
	const size = 48 << 20
	wire := zmtp.AppendMessage(nil, make([]byte, size))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	message, _, err := zmtp.NewReader(bytes.NewReader(wire), zmtp.Limits{}).Next()
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(size+size/4); got > limit {
		t.Errorf("got %d bytes allocated for a frame of %d, want at most %d", got, size, limit)
	}
	if frame := message.Parts[0]; len(frame) != size || cap(frame)-len(frame) < 128 {
		t.Errorf("got %d bytes with room for %d more, want %d and some room", len(frame), cap(frame)-len(frame), size)
	}
}

// TestTooLargeMessageIsSkimmed reads on after a message with more than fits.
func TestTooLargeMessageIsSkimmed(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 200)
	wire := slices.Concat(
		zmtp.AppendMessage(nil, parts("head", large, "tail", large)...),
		zmtp.AppendMessage(nil, parts("next")...))
	r := zmtp.NewReader(bytes.NewReader(wire), zmtp.Limits{Message: 10})
	for _, want := range []*zmtp.Message{
		{Parts: parts("head", "", "tail", ""), Skipped: 400},
		{Parts: parts("next")},
	} {
		got, _, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	}
}

func FuzzReadFrames(f *testing.F) {
	f.Add([]byte{})
	f.Add(zmtp.AppendMessage(nil, parts("topic", "<IDS|MSG>", "", "{}", "{}", "{}", "{}")...))
	f.Add(zmtp.AppendMessage(nil, parts(strings.Repeat("x", 300), "")...))
	f.Add(zmtp.AppendCommand(nil, "READY", []byte("\x0bSocket-Type\x00\x00\x00\x06ROUTER")))
	f.Add(slices.Concat(zmtp.AppendCommand(nil, "PING", []byte{0, 0}), zmtp.AppendMessage(nil, parts("a")...)))
	f.Add([]byte("\x02\x00\x00\x80\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x00\x01\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		limits := zmtp.Limits{Frame: 1 << 12, Message: 1 << 13, Parts: 16}
		whole := zmtp.NewReader(bytes.NewReader(wire), limits)
		slow := zmtp.NewReader(iotest.OneByteReader(bytes.NewReader(wire)), limits)
		for {
			message, command, err := whole.Next()
			again, commandAgain, errAgain := slow.Next()
			if !cmp.Equal(message, again) || !bytes.Equal(command, commandAgain) {
				t.Fatalf("got %v and %v from the same bytes", message, again)
			}
			if (err == nil) != (errAgain == nil) {
				t.Fatalf("got errors %v and %v from the same bytes", err, errAgain)
			}
			if err != nil {
				return
			}
			if message == nil {
				continue
			}
			size := 0
			for _, p := range message.Parts {
				size += len(p)
			}
			if size > 1<<13 || len(message.Parts) > 16 {
				t.Fatalf("got %d bytes in %d parts, beyond the limits", size, len(message.Parts))
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	wire := bytes.Repeat(zmtp.AppendMessage(nil, parts("stream", "<IDS|MSG>", strings.Repeat("0", 64),
		strings.Repeat("h", 220), strings.Repeat("p", 220), "{}", strings.Repeat("c", 60))...), 1000)
	b.ReportAllocs()
	for b.Loop() {
		r := zmtp.NewReader(bytes.NewReader(wire), zmtp.Limits{})
		for range 1000 {
			if _, _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

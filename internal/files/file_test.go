package files_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"quire"
)

func TestPut(t *testing.T) {
	store, data := openStore(t)
	file := put(t, store, "./reports/2026/a b.txt", "first")
	if file.Path != "reports/2026/a b.txt" || file.Size != 5 || file.ModifiedAt.IsZero() {
		t.Errorf("put = %+v, want the canonical path, 5 bytes and a time", file)
	}
	if file := put(t, store, "reports/2026/a b.txt", ""); file.Size != 0 {
		t.Errorf("size = %d, want 0", file.Size)
	}
	put(t, store, "reports/2026/a b.txt", "second")

	r, got, err := store.Open(t.Context(), project, "reports/2026/a b.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got.Size != 6 || got.Path != "reports/2026/a b.txt" {
		t.Errorf("open = %+v, want 6 bytes", got)
	}
	// A reader keeps the file that it opened.
	put(t, store, "reports/2026/a b.txt", "third")
	content, err := io.ReadAll(r)
	if err != nil || string(content) != "second" {
		t.Errorf("content = %q, %v, want what was there at the opening", content, err)
	}
	if _, ok := r.(io.Seeker); !ok {
		t.Error("the reader is no io.Seeker")
	}
	_, err = store.Put(t.Context(), project, "reports/2026/a b.txt/x", strings.NewReader(""))
	wantError(t, "put below a file", err, quire.FailedPrecondition, "path", data)
}

// A put that fails leaves everything as it was.
func TestPutFails(t *testing.T) {
	store, data := openStore(t)
	put(t, store, "a", "old")
	broken := errors.New("connection lost")
	cancelled, cancel := context.WithCancelCause(t.Context())
	tests := []struct {
		name string
		ctx  context.Context //nolint:containedctx // a row of a table, not a struct that lives
		r    io.Reader
		want error
	}{
		{"reader", t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
		{"short", t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		{"cancelled", cancelled, &cancelling{cancel: func() { cancel(broken) }}, broken},
		{"too late", cancelled, strings.NewReader("new"), context.Canceled},
	}
	for _, tt := range tests {
		for _, path := range []string{"a", "new/folder/b"} {
			_, err := store.Put(tt.ctx, project, path, tt.r)
			if err == nil {
				t.Errorf("%s: put %s succeeded", tt.name, path)
			} else if path == "a" && !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		}
	}
	if got := read(t, store, "a"); got != "old" {
		t.Errorf("content = %q, want the old one", got)
	}
	entries, err := os.ReadDir(filepath.Join(data, "projects", string(project)))
	if err != nil || len(entries) != 1 {
		t.Errorf("the project holds %v, %v, want one file", entries, err)
	}
	wantEmpty(t, filepath.Join(data, "tmp", "projects"))
}

// cancelling ends its caller's context after the first bytes, and goes on.
type cancelling struct{ cancel func() }

func (c *cancelling) Read(p []byte) (int, error) {
	c.cancel()
	return copy(p, "endless"), nil
}

func TestConcurrentPuts(t *testing.T) {
	store, data := openStore(t)
	const size = 1 << 20
	content := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, size+i) }
	put(t, store, "deep/er/f", string(content(0)))

	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := store.Put(t.Context(), project, "deep/er/f", bytes.NewReader(content(i))); err != nil {
				t.Error(err)
			}
			if _, err := store.Put(t.Context(), project, fmt.Sprintf("new/folders/%d", i), strings.NewReader("")); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			got := read(t, store, "deep/er/f")
			if i := int(got[0] - 'a'); got != string(content(i)) {
				t.Errorf("read a mixture of %d bytes", len(got))
			}
		})
	}
	wg.Wait()
	list, _, err := store.List(t.Context(), project, "", quire.Page{})
	if err != nil || len(list) != 9 {
		t.Errorf("list = %v, %v, want 9 files", list, err)
	}
	wantEmpty(t, filepath.Join(data, "tmp", "projects"))
}

// A large file goes through in constant memory, in and out.
func TestLargeFile(t *testing.T) {
	store, _ := openStore(t)
	const size = 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	file, err := store.Put(t.Context(), project, "large", io.LimitReader(&counter{}, size))
	if err != nil {
		t.Fatal(err)
	}
	r, opened, err := store.Open(t.Context(), project, "large")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	check := &counter{}
	n, err := io.Copy(struct{ io.Writer }{check}, struct{ io.Reader }{r})
	if err != nil || check.wrong {
		t.Errorf("read back: %v, other bytes than written: %t", err, check.wrong)
	}
	runtime.ReadMemStats(&after)
	if file.Size != size || opened.Size != size || n != size {
		t.Errorf("sizes = %d, %d, %d, want %d", file.Size, opened.Size, n, int64(size))
	}
	// All that was ever allocated, collected or not.
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("allocated %d bytes for a file of %d, want at most 4 MB", got, int64(size))
	}
}

// counter yields, or checks, a block of bytes over and over.
type counter struct {
	n     int
	wrong bool
}

var block = func() []byte {
	b := make([]byte, 65521) // a prime: no buffer's length is a multiple
	for i := range b {
		b[i] = byte(i * 31 >> 3)
	}
	return b
}()

func (c *counter) Read(p []byte) (int, error) {
	n := copy(p, block[c.n%len(block):])
	c.n += n
	return n, nil
}

func (c *counter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		want := block[c.n%len(block):]
		n := min(len(rest), len(want))
		c.wrong = c.wrong || !bytes.Equal(rest[:n], want[:n])
		c.n += n
		rest = rest[n:]
	}
	return len(p), nil
}

func TestDelete(t *testing.T) {
	store, data := openStore(t)
	put(t, store, "a/b", "x")
	wantError(t, "delete a folder", store.Delete(t.Context(), project, "a"), quire.FailedPrecondition, "path", data)
	if err := store.Delete(t.Context(), project, "a/b"); err != nil {
		t.Fatal(err)
	}
	wantError(t, "delete again", store.Delete(t.Context(), project, "a/b"), quire.NotFound, "path", data)
	_, _, err := store.Open(t.Context(), project, "a/b")
	wantError(t, "open", err, quire.NotFound, "path", data)
	// The folder may be a notebook's working directory.
	wantError(t, "delete an empty folder", store.Delete(t.Context(), project, "a"), quire.FailedPrecondition, "path", data)
}

package files_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/files"
)

// listAll pages through a list.
func listAll(tb testing.TB, store *files.Store, prefix string, size int) []string {
	tb.Helper()
	var paths []string
	for page := (quire.Page{Size: size}); ; {
		list, next, err := store.List(tb.Context(), project, prefix, page)
		if err != nil {
			tb.Fatal(err)
		}
		if len(list) > page.Limit() {
			tb.Fatalf("a page of %d has %d files", page.Limit(), len(list))
		}
		for _, f := range list {
			paths = append(paths, f.Path)
		}
		if next == "" {
			return paths
		}
		if len(list) == 0 {
			tb.Fatal("an empty page says that there is another")
		}
		page.Token = next
	}
}

func TestList(t *testing.T) {
	store, data := openStore(t)
	// "-" and "." sort before the slash, letters after it.
	paths := []string{"a", "b-c/x", "b.txt", "b/a/1", "b/a/2", "b/c", "b0", "b/a.x", "b/a-/y", "données/é", "z"}
	for _, p := range paths {
		put(t, store, p, p)
	}
	slices.Sort(paths)
	in := filepath.Join(data, "projects", string(project))
	for i := range 20 { // folders without files fill no page
		if err := os.MkdirAll(filepath.Join(in, "b", "a", fmt.Sprintf("empty%02d", i), "deep"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range []string{"", "b", "b/", "b/a", "b/a/", "b/a/2", "b.", "z", "zz", "nothing/", "a/", "donn"} {
		want := slices.Clone(paths)
		want = slices.DeleteFunc(want, func(p string) bool { return !strings.HasPrefix(p, prefix) })
		for _, size := range []int{0, 1, 2, 3, 11, 1000} {
			if diff := cmp.Diff(want, listAll(t, store, prefix, size), cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
				t.Errorf("prefix %q by %d (-want +got):\n%s", prefix, size, diff)
			}
		}
	}

	t.Run("a page goes on by path", func(t *testing.T) {
		_, next, err := store.List(t.Context(), project, "", quire.Page{Size: 3}) // up to b.txt
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(t.Context(), project, "b.txt"); err != nil {
			t.Fatal(err)
		}
		put(t, store, "aa", "")
		list, _, err := store.List(t.Context(), project, "", quire.Page{Size: 1, Token: next})
		if err != nil || len(list) != 1 || list[0].Path != "b/a-/y" {
			t.Errorf("list = %v, %v, want b/a-/y", list, err)
		}
	})
	t.Run("links", func(t *testing.T) {
		if err := os.Symlink("b/c", filepath.Join(in, "zz")); err != nil {
			t.Fatal(err)
		}
		list, _, err := store.List(t.Context(), project, "zz", quire.Page{})
		if err != nil || len(list) != 1 || list[0].Size != int64(len("b/c")) {
			t.Errorf("list = %v, %v, want the file behind the link", list, err)
		}
		if got := read(t, store, "zz"); got != "b/c" {
			t.Errorf("content = %q, want what the link leads to", got)
		}
	})
	t.Run("bad pages", func(t *testing.T) {
		for _, token := range []string{"!", "Li4", "L2V0Yw", strings.Repeat("eHgv", 400)} {
			_, _, err := store.List(t.Context(), project, "", quire.Page{Token: token})
			wantError(t, "token "+token[:min(9, len(token))], err, quire.InvalidArgument, "page_token", data)
		}
		_, _, err := store.List(t.Context(), project, "", quire.Page{Size: -1})
		wantError(t, "size", err, quire.InvalidArgument, "page_size", data)
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := store.List(ctx, project, "", quire.Page{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
	})
}

// One folder with more entries than are held at once is paged through in order.
func TestListLargeFolder(t *testing.T) {
	store, data := openStore(t)
	in := filepath.Join(data, "projects", string(project))
	var want []string
	for i := range 5000 {
		name := fmt.Sprintf("%04d", i*7919%10000)
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(in, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, listAll(t, store, "", 700)); diff != "" {
		t.Error(diff)
	}
}

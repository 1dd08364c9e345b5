package files_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/files"
)

const canaryContent = "tweet"

// canary is a file outside the project that nothing may touch, in a folder
// where nothing may appear.
type canary struct {
	folder string
	before os.FileInfo
}

func (c canary) check(tb testing.TB) {
	tb.Helper()
	file := filepath.Join(c.folder, "canary")
	info, err := os.Stat(file)
	if err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if !os.SameFile(info, c.before) || string(content) != canaryContent {
		tb.Errorf("the canary was touched: it holds %q", content)
	}
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		tb.Fatal(err)
	}
	if len(entries) != 1 {
		tb.Errorf("beside the canary is %v, want nothing", entries)
	}
}

// plant puts a canary into another project and fills the project with what a
// malicious notebook might leave there.
func plant(tb testing.TB, data string) canary {
	tb.Helper()
	folder := filepath.Join(data, "projects", "other")
	if err := os.Mkdir(folder, 0o755); err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(folder, "canary")
	if err := os.WriteFile(file, []byte(canaryContent), 0o600); err != nil {
		tb.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		tb.Fatal(err)
	}
	plantLinks(tb, data)
	return canary{folder, info}
}

func plantLinks(tb testing.TB, data string) {
	tb.Helper()
	in := filepath.Join(data, "projects", string(project))
	for name, target := range map[string]string{
		"up":      "../other",
		"root":    filepath.Join(data, "projects", "other"),
		"file":    "../other/canary",
		"absfile": filepath.Join(data, "projects", "other", "canary"),
		"self":    ".",
		"chain":   "self/up",
		"loop":    "loop",
		"nowhere": "not/there",
		"in":      "inner",
		"inabs":   filepath.Join(in, "inner"),
		"zero":    "/dev/zero",
		"proc":    "/proc/self/root",
	} {
		if err := os.Symlink(target, filepath.Join(in, name)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(in, "inner"), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(in, "fifo"), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// within fails the test if f blocks.
func within(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatalf("%s blocks", what)
		return nil
	}
}

// Each path is tried for reading, writing, deleting and as the folder of a
// notebook; zero (quire.Internal) means that it is allowed.
func TestAttacks(t *testing.T) {
	const (
		ok      = quire.Internal
		invalid = quire.InvalidArgument
		missing = quire.NotFound
		refused = quire.FailedPrecondition
	)
	tests := []struct {
		path                    string
		read, write, delete, in quire.Code
	}{
		// No path at all.
		{"", invalid, invalid, invalid, invalid},
		{"..", invalid, invalid, invalid, invalid},
		{"../other/canary", invalid, invalid, invalid, invalid},
		{"inner/../../other/canary", invalid, invalid, invalid, invalid},
		{"/etc/passwd", invalid, invalid, invalid, invalid},
		{"inner//x", invalid, invalid, invalid, invalid},
		{"inner/", invalid, invalid, invalid, invalid},
		{"a\x00b", invalid, invalid, invalid, invalid},
		{"a\x1bb", invalid, invalid, invalid, invalid},
		{"a\xfeb", invalid, invalid, invalid, invalid},
		{strings.Repeat("x", 256), invalid, invalid, invalid, invalid},
		{strings.Repeat("x/", 512) + "x", invalid, invalid, invalid, invalid},
		// A backslash is a letter of a name.
		{`..\up\canary`, missing, ok, missing, ok},
		// Links in the way.
		{"up/canary", invalid, invalid, invalid, invalid},
		{"up/new", invalid, invalid, invalid, invalid},
		{"up/new/deep", invalid, invalid, invalid, invalid},
		{"root/canary", invalid, invalid, invalid, invalid},
		{"chain/canary", invalid, invalid, invalid, invalid},
		{"self/up/canary", invalid, invalid, invalid, invalid},
		{"inabs/x", invalid, invalid, invalid, invalid},
		{"proc/etc/passwd", invalid, invalid, invalid, invalid},
		{"loop/x", refused, refused, refused, refused},
		{"nowhere/x", missing, refused, missing, refused},
		{"in/x", missing, ok, missing, ok},
		// Links in its place: read through them only inside; written and deleted are they themselves.
		{"up", invalid, ok, ok, ok},
		{"file", invalid, ok, ok, ok},
		{"absfile", invalid, ok, ok, ok},
		{"zero", invalid, ok, ok, ok},
		{"loop", refused, ok, ok, ok},
		{"nowhere", missing, ok, ok, ok},
		{"in", refused, ok, ok, ok},
		// What is no file.
		{"inner", refused, refused, refused, ok},
		{"fifo", refused, ok, ok, ok},
		{"fifo/x", refused, refused, refused, refused},
		{"socket", refused, ok, ok, ok},
	}
	for _, tt := range tests {
		ops := []struct {
			name string
			want quire.Code
			do   func(*fixture) error
		}{
			{"read", tt.read, func(f *fixture) error {
				r, _, err := f.store.Open(t.Context(), project, tt.path)
				if err == nil {
					err = r.Close()
				}
				return err
			}},
			{"write", tt.write, func(f *fixture) error {
				_, err := f.store.Put(t.Context(), project, tt.path, strings.NewReader("new"))
				return err
			}},
			{"delete", tt.delete, func(f *fixture) error { return f.store.Delete(t.Context(), project, tt.path) }},
			{"dir", tt.in, func(f *fixture) error {
				_, err := f.store.Dir(t.Context(), project, tt.path)
				return err
			}},
		}
		for _, op := range ops {
			what := op.name + " " + tt.path[:min(len(tt.path), 30)]
			f := newFixture(t)
			err := within(t, what, func() error { return op.do(f) })
			if op.want != ok {
				wantError(t, what, err, op.want, "path", f.data)
			} else if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			f.canary.check(t)
			wantEmpty(t, filepath.Join(f.data, "tmp", "projects"))
		}
	}
}

// A list enters no link, names nothing outside and takes no path for a prefix.
func TestAttacksOnList(t *testing.T) {
	f := newFixture(t)
	put(t, f.store, "inner/x", "x")
	in := filepath.Join(f.data, "projects", string(project))
	for _, name := range []string{"bad\xff", "bad\n"} {
		if err := os.WriteFile(filepath.Join(in, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range []string{"", "in", "inn", "inner/", "up", "root/", "chain", "fifo", "loop", "zero", "proc/"} {
		var got []quire.File
		err := within(t, "list "+prefix, func() (err error) {
			got, _, err = f.store.List(t.Context(), project, prefix, quire.Page{})
			return err
		})
		if err != nil {
			t.Errorf("list %q: %v", prefix, err)
		}
		for _, file := range got {
			if file.Path != "inner/x" {
				t.Errorf("list %q shows %q", prefix, file.Path)
			}
		}
		if want := strings.HasPrefix("inner/x", prefix); want != (len(got) == 1) {
			t.Errorf("list %q shows %d files", prefix, len(got))
		}
	}
	for _, prefix := range []string{"..", "../", "../other/", "/", "/etc", "a//", "a\x00", "\xff", strings.Repeat("x", 256), strings.Repeat("x/", 600)} {
		_, _, err := f.store.List(t.Context(), project, prefix, quire.Page{})
		wantError(t, "list "+prefix[:min(len(prefix), 20)], err, quire.InvalidArgument, "prefix", f.data)
	}
	f.canary.check(t)
}

// A notebook's folder reached by a link is the folder behind it.
func TestDirResolvesLinks(t *testing.T) {
	f := newFixture(t)
	in := filepath.Join(f.data, "projects", string(project))
	for name, want := range map[string]string{
		"x.ipynb":            in,
		"in/x.ipynb":         filepath.Join(in, "inner"),
		"self/in/x.ipynb":    filepath.Join(in, "inner"),
		"self/self/up.ipynb": in,
		"not/there.ipynb":    filepath.Join(in, "not"), // now it is
		"self/new/x.ipynb":   filepath.Join(in, "new"),
	} {
		got, err := f.store.Dir(t.Context(), project, name)
		if err != nil || got != want {
			t.Errorf("Dir(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
}

type fixture struct {
	store  *files.Store
	data   string
	canary canary
}

// newFixture returns a store whose project a malicious notebook has been in.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, data := openStore(t)
	f := &fixture{store, data, plant(t, data)}
	// The name of a socket is short: it is bound from within the folder.
	t.Chdir(filepath.Join(data, "projects", string(project)))
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return f
}

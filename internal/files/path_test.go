package files_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/files"
)

func TestValidatePath(t *testing.T) {
	deep := strings.Repeat("d/", 511) + "ff" // 1024 bytes
	tests := []struct{ path, want string }{
		{"a", "a"},
		{"a/b.ipynb", "a/b.ipynb"},
		{"./a/./b", "a/b"},
		{"...", "..."},
		{"..a/b..", "..a/b.."},
		{`..\..\a`, `..\..\a`},
		{`C:\a`, `C:\a`},
		{"данные/отчёт 1.csv", "данные/отчёт 1.csv"},
		{strings.Repeat("x", 255), strings.Repeat("x", 255)},
		{deep, deep},
		{"", ""},
		{".", ""},
		{"./.", ""},
		{"..", ""},
		{"../a", ""},
		{"a/..", ""},
		{"a/../../b", ""},
		{"/", ""},
		{"/etc/passwd", ""},
		{"a//b", ""},
		{"a/", ""},
		{"a\x00b", ""},
		{"a\nb", ""},
		{"a\x7fb", ""},
		{"a\u0085b", ""},
		{"a\xffb", ""},
		{strings.Repeat("x", 256), ""},
		{"a/" + strings.Repeat("x", 256), ""},
		{deep + "x", ""},
		{strings.Repeat("x/", 1<<20) + "x", ""},
	}
	for _, tt := range tests {
		got, err := files.ValidatePath(tt.path)
		name := tt.path[:min(len(tt.path), 40)]
		if got != tt.want {
			t.Errorf("ValidatePath(%q) = %q, want %q", name, got, tt.want)
		}
		if tt.want == "" {
			wantError(t, name, err, quire.InvalidArgument, "path", "no folder")
		} else if err != nil {
			t.Errorf("ValidatePath(%q): %v", name, err)
		}
	}
}

// FuzzPath holds against any path, in a project full of links that lead out,
// that what is accepted stays inside and that nothing outside is ever touched.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"a", "a/b", "../canary", "/canary", "up/canary", "root/canary", "self/up/canary", "file", "fifo", "fifo/a",
		"loop", "loop/a", "in/a", "nowhere", "nowhere/a", "a\x00b", `..\canary`, "./.", "a//b", "a/../../canary", "\xff",
		"up/../canary", "self/self/self/file", strings.Repeat("x", 256), strings.Repeat("x/", 600),
	} {
		f.Add(seed)
	}
	store, data := openStore(f)
	inside := filepath.Join(data, "projects", string(project))
	canary := plant(f, data)

	f.Fuzz(func(t *testing.T, path string) {
		name, err := files.ValidatePath(path)
		if err == nil {
			if again, err := files.ValidatePath(name); again != name || err != nil {
				t.Errorf("ValidatePath(%q) = %q, which becomes %q, %v", path, name, again, err)
			}
			if !filepath.IsLocal(name) || !strings.HasPrefix(filepath.Join(inside, name), inside+"/") {
				t.Errorf("ValidatePath(%q) = %q leaves the project", path, name)
			}
		}
		if r, _, openErr := store.Open(t.Context(), project, path); openErr == nil {
			content, readErr := io.ReadAll(r)
			if readErr != nil || strings.Contains(string(content), canaryContent) {
				t.Errorf("Open(%q) read %q, %v", path, content, readErr)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if err != nil {
				t.Errorf("Open(%q) did what ValidatePath refuses: %v", path, err)
			}
		}
		if file, putErr := store.Put(t.Context(), project, path, strings.NewReader("fuzz")); putErr == nil {
			if err != nil || file.Path != name {
				t.Errorf("Put(%q) stored %q, ValidatePath says %q, %v", path, file.Path, name, err)
			}
		}
		if dir, dirErr := store.Dir(t.Context(), project, path); dirErr == nil && dir != inside && !strings.HasPrefix(dir, inside+"/") {
			t.Errorf("Dir(%q) = %q is outside", path, dir)
		}
		if _, _, listErr := store.List(t.Context(), project, path, quire.Page{Size: 5}); listErr != nil && quire.CodeOf(listErr) != quire.InvalidArgument {
			t.Errorf("List(%q): %v", path, listErr)
		}
		if delErr := store.Delete(t.Context(), project, path); delErr == nil && err != nil {
			t.Errorf("Delete(%q) did what ValidatePath refuses: %v", path, err)
		}
		canary.check(t)
		// What this input replaced is planted anew.
		if err := os.RemoveAll(inside); err != nil {
			t.Fatal(err)
		}
		if err := store.CreateProject(t.Context(), project); err != nil {
			t.Fatal(err)
		}
		plantLinks(t, data)
	})
}

package pyenv_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/pyenv"
	"quire/internal/testenv"
)

// house is a store whose packages come from a folder of wheels, and whose uv
// keeps a record of its calls.
type house struct {
	*pyenv.Store
	dir, wheels, calls string
}

// spy is a uv that records its calls, and does what the file beside it says
// before it installs anything.
const spy = `#!/bin/sh
echo "$1 $2" >>"%CALLS%"
if [ "$1 $2" = "pip sync" ] && [ -e "%CALLS%.before" ]; then . "%CALLS%.before"; fi
exec "%UV%" "$@"
`

func newHouse(t testing.TB, change ...func(*pyenv.Settings)) *house {
	t.Helper()
	root := t.TempDir()
	h := &house{dir: filepath.Join(root, "environments"), wheels: filepath.Join(root, "wheels"), calls: filepath.Join(root, "calls")}
	if err := os.Mkdir(h.wheels, 0o700); err != nil {
		t.Fatal(err)
	}
	testenv.KernelWheel(t, h.wheels)
	testenv.Wheel(t, h.wheels, "demo", "1.0", "dep>=1")
	testenv.Wheel(t, h.wheels, "demo", "2.0", "dep>=2")
	testenv.Wheel(t, h.wheels, "dep", "1.0")
	testenv.Wheel(t, h.wheels, "dep", "2.5")
	program := filepath.Join(root, "uv")
	script := strings.NewReplacer("%CALLS%", h.calls, "%UV%", testenv.UV(t)).Replace(spy)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := pyenv.Settings{Python: testenv.Python(t), UV: program, FindLinks: []string{h.wheels}, Offline: true}
	for _, c := range change {
		c(&settings)
	}
	var err error
	if h.Store, err = pyenv.Create(h.dir, settings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { makeWritable(t, h.dir) })
	return h
}

// makeWritable lets the test's folder be removed by others than root.
func makeWritable(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// count returns how often uv was called so.
func (h *house) count(t *testing.T, call string) int {
	t.Helper()
	data, err := os.ReadFile(h.calls)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(data), call+"\n")
}

// whole returns the digests of the environments that are there, whether
// anything is left of others.
func (h *house) whole(t *testing.T) (digests []string, rubbish []string) {
	t.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.IsDir() {
			digests = append(digests, e.Name())
		}
	}
	left, err := os.ReadDir(filepath.Join(h.dir, ".building"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		rubbish = append(rubbish, e.Name())
	}
	return digests, rubbish
}

func requirements(lines ...string) quire.EnvironmentDeclaration {
	return quire.EnvironmentDeclaration{Source: quire.RequirementsFile, Path: "reports/requirements.txt", Requirements: lines}
}

func (h *house) acquire(t *testing.T, d quire.EnvironmentDeclaration) *pyenv.Lease {
	t.Helper()
	l, err := h.Acquire(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Release)
	return l
}

func packages(e quire.Environment) string {
	var names []string
	for _, p := range e.Packages {
		names = append(names, p.Name+"=="+p.Version)
	}
	return strings.Join(names, " ")
}

// python runs a line of Python in an environment and returns what it prints.
func python(t *testing.T, l *pyenv.Lease, line string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(l.Prefix, "bin", "python"), "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestAcquire(t *testing.T) {
	h := newHouse(t)
	var told []quire.EnvironmentProgress
	l, err := h.Acquire(t.Context(), requirements("demo<2"), func(p quire.EnvironmentProgress) { told = append(told, p) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if got, want := packages(l.Environment), "demo==1.0 dep==2.5 ipykernel==7.0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if diff := cmp.Diff(l.Environment.Added, []string{"ipykernel"}); diff != "" {
		t.Errorf("added (-got +want):\n%s", diff)
	}
	if got := python(t, l, "import demo, sys; print(demo.__version__, sys.prefix)"); got != "1.0 "+l.Prefix {
		t.Errorf("got %s", got)
	}
	if _, err := os.Stat(filepath.Join(l.KernelPath(), "python3", "kernel.json")); err != nil {
		t.Error(err)
	}
	if last := told[len(told)-1]; last.Phase != quire.EnvironmentCompiling || last.Done != 3 || last.Total != 3 {
		t.Errorf("got %+v at last", last)
	}
	if digests, rubbish := h.whole(t); len(digests) != 1 || len(rubbish) != 0 {
		t.Errorf("got %v and %v", digests, rubbish)
	}

	// A known declaration costs no call, of another project's either.
	before := h.count(t, "pip compile") + h.count(t, "pip sync")
	other := requirements("demo<2")
	other.Path = "elsewhere/requirements.txt"
	if again := h.acquire(t, other); again.Environment.Digest != l.Environment.Digest {
		t.Errorf("got another environment")
	}
	quick, err := h.Lookup(other)
	if err != nil || quick == nil {
		t.Fatalf("got %v, %v", quick, err)
	}
	quick.Release()
	// Another text that comes to the same lock is resolved, and not installed.
	if again := h.acquire(t, requirements("demo==1.0", "dep")); again.Environment.Digest != l.Environment.Digest {
		t.Errorf("got another environment for the same lock")
	}
	if got := h.count(t, "pip sync"); got != 1 {
		t.Errorf("got %d installations, want 1", got)
	}
	if got := h.count(t, "pip compile") + h.count(t, "pip sync") - before; got != 2 {
		t.Errorf("got %d calls of uv, want those of one resolution", got)
	}
}

func TestDeclarationThatCannotBeMet(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct{ line, want string }{
		{"demo==3.0", "there is no version of demo==3.0"},
		{"nothing-of-that-name", "nothing-of-that-name was not found"},
		{"demo==", "Unexpected end of version specifier"},
	} {
		_, err := h.Acquire(t.Context(), requirements("dep", tt.line), nil)
		e, ok := errors.AsType[*quire.Error](err)
		if !ok || e.Code != quire.FailedPrecondition || !strings.Contains(e.Message, tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
		if !strings.HasPrefix(e.Error(), "the Python environment that reports/requirements.txt declares") || strings.Contains(e.Error(), "/tmp") {
			t.Errorf("got %v", err)
		}
	}
	if digests, rubbish := h.whole(t); len(digests) != 0 || len(rubbish) != 0 {
		t.Errorf("got %v and %v", digests, rubbish)
	}
}

func TestInstallationFails(t *testing.T) {
	h := newHouse(t)
	// The wheel is another one by the time that it is installed.
	before := "rm '" + filepath.Join(h.wheels, "demo-1.0-py3-none-any.whl") + "'\n"
	if err := os.WriteFile(h.calls+".before", []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := h.Acquire(t.Context(), requirements("demo==1.0"), nil)
	if err == nil || !strings.Contains(err.Error(), "cannot be installed: ") || strings.Contains(err.Error(), h.dir) {
		t.Errorf("got %v", err)
	}
	if digests, rubbish := h.whole(t); len(digests) != 0 || len(rubbish) != 0 {
		t.Errorf("got %v and %v", digests, rubbish)
	}
}

func TestPackageThatWasSwapped(t *testing.T) {
	h := newHouse(t)
	declared := "dep==1.0 --hash=sha256:" + strings.Repeat("a", 64)
	_, err := h.Acquire(t.Context(), requirements(declared), nil)
	if err == nil || !strings.Contains(err.Error(), "Hash mismatch") {
		t.Errorf("got %v, want that its digest is another", err)
	}
}

// TestManyAtOnce has eight take the same environment, each of whom keeps it
// until all have it.
func TestManyAtOnce(t *testing.T) {
	h := newHouse(t)
	leases := make([]*pyenv.Lease, 8)
	var group sync.WaitGroup
	for i := range leases {
		group.Go(func() {
			store := h.Store
			var err error
			if i%2 == 0 { // as another process does
				store, err = pyenv.Open(h.dir)
			}
			if err == nil {
				leases[i], err = store.Acquire(t.Context(), requirements("demo"), nil)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, l := range leases {
		if l == nil {
			t.Fatal("not everybody has got it")
		}
		l.Release()
		if l.Environment.Digest != leases[0].Environment.Digest {
			t.Errorf("got the environments %s and %s, want one", l.Environment.Digest, leases[0].Environment.Digest)
		}
	}
	if got := h.count(t, "pip sync"); got != 1 {
		t.Errorf("got %d installations, want 1", got)
	}
}

// TestManyProcesses has eight programs build in one store at once.
func TestManyProcesses(t *testing.T) {
	h := newHouse(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			builder := exec.CommandContext(t.Context(), os.Args[0])
			builder.Env = append(os.Environ(), builderVariable+"="+h.dir)
			if out, err := builder.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	group.Wait()
	if got := h.count(t, "pip sync"); got != 1 {
		t.Errorf("got %d installations, want 1", got)
	}
	if digests, rubbish := h.whole(t); len(digests) != 1 || len(rubbish) != 0 {
		t.Errorf("got %v and %v", digests, rubbish)
	}
}

func TestFresh(t *testing.T) {
	h := newHouse(t)
	first := h.acquire(t, requirements("dep"))
	testenv.Wheel(t, h.wheels, "dep", "3.0")
	if again := h.acquire(t, requirements("dep")); again.Environment.Digest != first.Environment.Digest {
		t.Errorf("got %s, want what it was resolved to before", packages(again.Environment))
	}
	fresh, err := h.Build(t.Context(), requirements("dep"), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := packages(fresh); got != "dep==3.0 ipykernel==7.0" {
		t.Errorf("got %s", got)
	}
	if again := h.acquire(t, requirements("dep")); again.Environment.Digest != fresh.Digest {
		t.Errorf("got %s afterwards", packages(again.Environment))
	}
}

func TestCollect(t *testing.T) {
	h := newHouse(t, func(s *pyenv.Settings) { s.MaxKept = 2 })
	used := h.acquire(t, requirements("dep==1.0"))
	for _, text := range []string{"dep==2.5", "demo==1.0", "demo==2.0"} {
		l, err := h.Acquire(t.Context(), requirements(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	}
	removed, err := h.Collect(t.Context(), time.Now())
	if err != nil || removed != 1 { // the oldest is in use
		t.Errorf("got %d, %v; want the oldest that is not in use", removed, err)
	}
	removed, err = h.Collect(t.Context(), time.Now().AddDate(1, 0, 0))
	if err != nil || removed != 2 {
		t.Errorf("got %d, %v; want all that are not in use", removed, err)
	}
	list, err := h.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Digest != used.Environment.Digest || !list[0].InUse {
		t.Errorf("got %+v, %v", list, err)
	}
	if err := h.Remove(t.Context(), used.Environment.Digest); quire.CodeOf(err) != quire.FailedPrecondition {
		t.Errorf("got %v, want that it is in use", err)
	}
	used.Release()
	if err := h.Remove(t.Context(), used.Environment.Digest[:12]); err != nil {
		t.Error(err)
	}
	// Its lock is known still.
	before := h.count(t, "pip compile")
	if again := h.acquire(t, requirements("dep==1.0")); again.Environment.Digest != used.Environment.Digest {
		t.Errorf("got another environment")
	}
	if got := h.count(t, "pip compile"); got != before {
		t.Errorf("it was resolved again")
	}
}

func TestGet(t *testing.T) {
	h := newHouse(t)
	l := h.acquire(t, requirements("dep==1.0"))
	e, err := h.Get(t.Context(), l.Environment.Digest[:8])
	if err != nil || !strings.Contains(e.Lock, "dep==1.0 \\\n    --hash=sha256:") {
		t.Errorf("got %+v, %v", e, err)
	}
	for _, digest := range []string{"", l.Environment.Digest[:7], "../" + l.Environment.Digest, strings.Repeat("0", 64)} {
		if _, err := h.Get(t.Context(), digest); quire.CodeOf(err) != quire.NotFound {
			t.Errorf("%q: got %v", digest, err)
		}
	}
}

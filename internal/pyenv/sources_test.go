package pyenv_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quire/internal/pyenv"
	"quire/internal/testenv"
)

// TestScriptBlock goes the whole way from a notebook's first cell.
func TestScriptBlock(t *testing.T) {
	h := newHouse(t)
	d, err := project{"requirements.txt": "demo==2.0"}.declare(t, "a.ipynb", "# /// script\n# dependencies = [\"demo==1.0\"]\n# ///")
	if err != nil {
		t.Fatal(err)
	}
	if got := packages(h.acquire(t, *d).Environment); got != "demo==1.0 dep==2.5 ipykernel==7.0" {
		t.Errorf("got %s", got)
	}
}

// index serves a folder of wheels as a package index that asks for a password.
func index(t *testing.T, wheels string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "quire" || password != "secret" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/simple/")
		if !ok {
			http.ServeFile(w, r, filepath.Join(wheels, filepath.Base(r.URL.Path)))
			return
		}
		found, err := filepath.Glob(filepath.Join(wheels, strings.Trim(name, "/")+"-*.whl"))
		if err != nil || len(found) == 0 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			if _, err := fmt.Fprintf(w, "<a href=\"/wheels/%[1]s#sha256=%[2]x\">%[1]s</a>\n", filepath.Base(path), sha256.Sum256(data)); err != nil {
				t.Error(err)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// fromIndex lets a store take its packages from an index that wants a
// password, which it finds in the file netrc.
func fromIndex(t *testing.T, h *house) (server *httptest.Server, netrc string, store *pyenv.Store) {
	t.Helper()
	server = index(t, h.wheels)
	netrc = filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(netrc, []byte("machine 127.0.0.1 login quire password secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "environments")
	store, err := pyenv.Create(dir, pyenv.Settings{
		Python: testenv.Python(t), UV: testenv.UV(t), Index: server.URL + "/simple", Credentials: netrc,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { makeWritable(t, dir) })
	return server, netrc, store
}

// TestIndex takes packages from an index, and by no password that is wrong.
func TestIndex(t *testing.T) {
	_, netrc, store := fromIndex(t, newHouse(t))
	l, err := store.Acquire(t.Context(), requirements("demo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if got := packages(l.Environment); got != "demo==2.0 dep==2.5 ipykernel==7.0" {
		t.Errorf("got %s", got)
	}
	if err := os.WriteFile(netrc, []byte("machine 127.0.0.1 login quire password wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.Acquire(t.Context(), requirements("dep<2"), nil)
	if err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v, want that the password is refused", err)
	}
}

// TestProjectLock takes what uv has locked, though newer versions are there.
func TestProjectLock(t *testing.T) {
	h := newHouse(t)
	testenv.Wheel(t, h.wheels, "absent", "1.0")
	server, netrc, store := fromIndex(t, h)
	pyproject := "[project]\nname = \"mine\"\nversion = \"1\"\nrequires-python = \">=3.10\"\n" +
		"dependencies = [\"demo<2\", \"absent; sys_platform == 'win32'\"]\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(pyproject), 0o600); err != nil {
		t.Fatal(err)
	}
	uv := exec.CommandContext(t.Context(), testenv.UV(t), "lock", "--quiet", "--no-config", "--python", testenv.Python(t))
	uv.Dir = dir
	uv.Env = append(os.Environ(), "UV_DEFAULT_INDEX="+server.URL+"/simple", "UV_CACHE_DIR="+t.TempDir(), "NETRC="+netrc)
	if out, err := uv.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	files := project{"uv.lock": string(text), "pyproject.toml": pyproject}
	testenv.Wheel(t, h.wheels, "dep", "3.0")
	d, err := files.declare(t, "a.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	l, err := store.Acquire(t.Context(), *d, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if got := packages(l.Environment); got != "demo==1.0 dep==2.5 ipykernel==7.0" {
		t.Errorf("got %s", got)
	}

	files["pyproject.toml"] = strings.Replace(pyproject, "demo<2", "demo>=2", 1)
	if d, err = files.declare(t, "a.ipynb"); err != nil {
		t.Fatal(err)
	}
	_, err = store.Acquire(t.Context(), *d, nil)
	if err == nil || !strings.Contains(err.Error(), "uv.lock does not fit the pyproject.toml beside it") {
		t.Errorf("got %v, want that the lock is out of date", err)
	}
}

func TestPythonThatIsNotThere(t *testing.T) {
	h := newHouse(t)
	d := requirements("dep")
	d.Python = ">=3.99"
	_, err := h.Acquire(t.Context(), d, nil)
	if err == nil || !strings.Contains(err.Error(), "reports/requirements.txt asks for Python >=3.99, and the server has none") {
		t.Errorf("got %v", err)
	}
	d.Python = ">=3.8"
	if l := h.acquire(t, d); l.Environment.Python != python(t, l, "import platform; print(platform.python_version())") {
		t.Errorf("got Python %s", l.Environment.Python)
	}
}

// TestSourceDistribution is not built, for that would run its code.
func TestSourceDistribution(t *testing.T) {
	h := newHouse(t)
	dir := t.TempDir()
	inner := filepath.Join(dir, "evil-1.0")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(dir, "ran")
	for name, text := range map[string]string{
		"PKG-INFO":       "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
		"backend.py":     "open('" + ran + "', 'w')\n",
	} {
		if err := os.WriteFile(filepath.Join(inner, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tar := exec.CommandContext(t.Context(), "tar", "-C", dir, "-czf", filepath.Join(h.wheels, "evil-1.0.tar.gz"), "evil-1.0")
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, err := h.Acquire(t.Context(), requirements("evil"), nil)
	if err == nil || !strings.Contains(err.Error(), "has no usable wheels") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its code has run: %v", err)
	}
}

// TestPackageThatRunsAtTheStart runs in its environment and not before.
func TestPackageThatRunsAtTheStart(t *testing.T) {
	h := newHouse(t)
	ran := filepath.Join(t.TempDir(), "ran")
	testenv.RunningWheel(t, h.wheels, "runner", "open('"+ran+"', 'w')")
	l := h.acquire(t, requirements("runner"))
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its code ran while it was installed: %v", err)
	}
	if got := python(t, l, "import runner; print(runner.__file__.startswith('"+l.Prefix+"'))"); got != "True" {
		t.Errorf("got %s", got)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("its code has not run in its environment: %v", err)
	}
}

func TestSettings(t *testing.T) {
	readable := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(readable, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		settings pyenv.Settings
		want     string
	}{
		{pyenv.Settings{Index: "https://user:secret@index.example/simple"}, "index.example holds a password"},
		{pyenv.Settings{ExtraIndexes: []string{"https://:secret@index.example"}}, "holds a password"},
		{pyenv.Settings{Index: "ftp://index.example"}, "is no URL of a package index"},
		{pyenv.Settings{Index: "https://secret@%zz"}, "cannot be read"},
		{pyenv.Settings{Credentials: readable}, "give the file mode 0600"},
		{pyenv.Settings{FindLinks: []string{"/nowhere"}}, "there is no folder of wheels"},
	} {
		_, err := pyenv.Create(t.TempDir(), tt.settings)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	secret := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := pyenv.Create(dir, pyenv.Settings{Credentials: secret, Index: "https://index.example/simple"}); err != nil {
		t.Fatal(err)
	}
	if _, err := pyenv.Open(dir); err != nil {
		t.Error(err)
	}
}

// TestLeaseEnviron activates the environment for whatever a notebook starts.
func TestLeaseEnviron(t *testing.T) {
	l := &pyenv.Lease{Prefix: "/env"}
	got := strings.Join(l.Environ([]string{"HOME=/home/q", "PATH=/usr/bin", "VIRTUAL_ENV=/other", "LANG=C"}), " ")
	if want := "HOME=/home/q LANG=C PATH=/env/bin:/usr/bin VIRTUAL_ENV=/env"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestEnvironmentIsClosed lets nobody install into what others share.
func TestEnvironmentIsClosed(t *testing.T) {
	l := newHouse(t).acquire(t, requirements("dep"))
	for _, dir := range []string{l.Prefix, filepath.Join(l.Prefix, "bin"), filepath.Dir(python(t, l, "import dep; print(dep.__file__)"))} {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s: got %v, %v", dir, info.Mode(), err)
		}
	}
	if _, err := os.Stat(python(t, l, "import dep; print(dep.__cached__)")); err != nil {
		t.Errorf("it is not compiled: %v", err)
	}
	if got := python(t, l, "import dep, marshal; print(marshal.loads(open(dep.__cached__, 'rb').read()[16:]).co_filename == dep.__file__)"); got != "True" {
		t.Errorf("it is compiled for another place")
	}
}

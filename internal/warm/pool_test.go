package warm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quire/internal/warm"
)

func TestPoolKeepsOneForEachKey(t *testing.T) {
	pool, _ := newPool(t, warm.Options{})
	key := newKey(t)
	if got := pool.Socket(key); got != "" {
		t.Errorf("got %q at once, want to be told later", got)
	}
	socket := pool.Wait(key)
	if socket == "" || pool.Socket(key) != socket || pool.Wait(key) != socket {
		t.Errorf("got %q, then others", socket)
	}
	other := key
	other.Env = append([]string{"OMP_NUM_THREADS=1"}, key.Env...)
	if got := pool.Wait(other); got == "" || got == socket {
		t.Errorf("got %q for another environment", got)
	}
	if info, err := os.Stat(filepath.Dir(socket)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want a private folder", info, err)
	}
}

func TestPoolIsBounded(t *testing.T) {
	for name, opts := range map[string]warm.Options{
		"by number": {Max: 2},
		"by memory": {MaxMemory: 100 << 20}, // two, with what each has for itself
	} {
		t.Run(name, func(t *testing.T) {
			pool, _ := newPool(t, opts)
			keys := []warm.Key{newKey(t), newKey(t), newKey(t)}
			if opts.Max == 0 {
				// Some memory that cannot be shared.
				dir := t.TempDir()
				writeModule(t, dir, "big", "x = bytearray(60 << 20)\nx[::4096] = b'x' * len(x[::4096])")
				for i := range keys {
					keys[i] = newKey(t, "PYTHONPATH="+dir)
					keys[i].Preload = []string{"big"}
				}
				keys = keys[:2]
			}
			first := pool.Wait(keys[0])
			if first == "" {
				t.Fatal("got none")
			}
			for _, key := range keys[1:] {
				if pool.Wait(key) == "" {
					t.Fatal("got none")
				}
			}
			if got := pool.Socket(keys[0]); got != "" {
				t.Errorf("got %q, want the oldest to be gone", got)
			}
		})
	}
}

func TestPoolWithoutRoomForAny(t *testing.T) {
	pool, log := newPool(t, warm.Options{MaxMemory: 1 << 20})
	key := newKey(t)
	pool.Wait(key)
	pool.Close()
	if !strings.Contains(log.String(), "too much memory") {
		t.Errorf("got the log %s", log)
	}
}

func TestPoolCloseEndsAll(t *testing.T) {
	pool, _ := newPool(t, warm.Options{})
	key := newKey(t)
	socket := pool.Wait(key)
	pool.Socket(newKey(t)) // which is on its way
	pool.Close()
	if _, err := os.Stat(filepath.Dir(socket)); err == nil {
		t.Error("its folder is left")
	}
	if got := pool.Socket(key) + pool.Wait(key); got != "" {
		t.Errorf("got %q after Close", got)
	}
}

func TestInterpreterThatCannot(t *testing.T) {
	pool, _ := newPool(t, warm.Options{})
	dir := t.TempDir()
	script := filepath.Join(dir, "python")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho no >&2\nexit 3\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	for _, python := range []string{script, "/nowhere/python", ""} {
		if got := pool.Wait(warm.Key{Python: python}); got != "" {
			t.Errorf("%s: got %q", python, got)
		}
	}
}

func writeModule(t *testing.T, dir, name, source string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestModulesWithEffectsAreNotPreloaded(t *testing.T) {
	modules := map[string]string{
		"fine":      "x = 1",
		"threads":   "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
		"prints":    "print('hello')",
		"writes":    "import os\nos.write(2, b'hello')",
		"warns":     "import warnings\nwarnings.warn('old', FutureWarning)",
		"handler":   "import signal\nsignal.signal(signal.SIGUSR1, lambda *a: None)",
		"opens":     "f = open('/dev/zero')",
		"runs":      "import subprocess\np = subprocess.Popen(['sleep', '1'])",
		"paths":     "import sys\nsys.path.append('/nowhere')",
		"moves":     "import os\nos.chdir('/')",
		"fails":     "1 / 0",
		"exits":     "import sys\nsys.exit(1)",
		"hooks":     "import sys\nsys.excepthook = print",
		"crashes":   "import os\nos.abort()",
		"leaves":    "import os\nos._exit(0)",
		"traces":    "import sys\nsys.setprofile(lambda *a: None)",
		"closes":    "import os\nos.close(1)",
		"also_fine": "import fine",
	}
	dir := t.TempDir()
	key := newKey(t, "PYTHONPATH="+dir)
	for name, source := range modules {
		writeModule(t, dir, name, source)
		if name != "closes" && name != "writes" {
			key.Preload = append(key.Preload, name)
		}
	}
	key.Preload = append(key.Preload, "absent")
	pool, log := newPool(t, warm.Options{})
	socket := pool.Wait(key)
	if socket == "" {
		t.Fatal("got none")
	}
	for name := range modules {
		if strings.HasSuffix(name, "fine") || name == "closes" || name == "writes" {
			continue
		}
		if !regexp.MustCompile(`module=` + name + `\b`).MatchString(log.String()) {
			t.Errorf("%s is preloaded", name)
		}
	}
	k := mustFork(t, socket, key.Env, nil)
	if got := k.run(t, "import sys; print('fine' in sys.modules, 'also_fine' in sys.modules, 'threads' in sys.modules)"); got != "True True False\n" {
		t.Errorf("got %q", got)
	}
}

// TestEnvironmentIsReadAtImport finds what a module reads, and keeps what it sets.
func TestEnvironmentIsReadAtImport(t *testing.T) {
	dir := t.TempDir()
	writeModule(t, dir, "reads", "import os\nmode = os.environ.get('READS_MODE')\nos.environ.setdefault('READS_SET', 'yes')")
	key := newKey(t, "PYTHONPATH="+dir)
	key.Preload = []string{"reads"}
	pool, _ := newPool(t, warm.Options{})
	socket := pool.Wait(key)
	k := mustFork(t, socket, append(key.Env, "OTHER=1"), nil)
	if got := k.run(t, "import os; print(os.environ['READS_SET'], os.environ['OTHER'])"); got != "yes 1\n" {
		t.Errorf("got %q", got)
	}
	if _, err := fork(t, socket, append(key.Env, "READS_MODE=x"), nil); err == nil || !strings.Contains(err.Error(), "READS_MODE") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestInstalledPackagesAreSeen does not fork from what was installed before.
func TestInstalledPackagesAreSeen(t *testing.T) {
	dir := t.TempDir()
	key := newKey(t, "PYTHONPATH="+dir)
	pool, _ := newPool(t, warm.Options{})
	before := pool.Wait(key)
	mustFork(t, before, key.Env, nil)
	writeModule(t, dir, "installed", "x = 1")
	if _, err := fork(t, before, key.Env, nil); err == nil || !strings.Contains(err.Error(), "packages") {
		t.Fatalf("got %v, want a refusal", err)
	}
	for {
		after := pool.Wait(key)
		if after == before { // it has not ended yet
			continue
		}
		if after == "" {
			t.Fatal("no other was started")
		}
		mustFork(t, after, key.Env, nil)
		return
	}
}

func ExamplePool() {
	pool := warm.New(nil)
	defer pool.Close()
	key := warm.Key{Python: "/nowhere/bin/python", Preload: warm.Preload()}
	if pool.Socket(key) == "" {
		fmt.Println("start it cold")
	}
	// Output: start it cold
}

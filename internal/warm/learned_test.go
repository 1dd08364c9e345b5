package warm_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire/internal/warm"
)

// learn returns a key of no modules, and the same with learned ones, which lie
// in a folder.
func learn(t *testing.T, modules map[string]string, learned ...string) (base, better warm.Key) {
	t.Helper()
	dir := t.TempDir()
	for name, source := range modules {
		writeModule(t, dir, name, source)
	}
	base = newKey(t, "PYTHONPATH="+dir, "PYTHONDONTWRITEBYTECODE=1") // a folder of compiled modules would be a change of its packages
	better = base
	better.Learned = learned
	return base, better
}

// TestLearnedModulesAreImported by a fork server that nobody waits for.
func TestLearnedModulesAreImported(t *testing.T) {
	pool, _ := newPool(t, warm.Options{Worth: 1})
	base, better := learn(t, map[string]string{"mine": "x = 1"}, "absent", "mine", "mine.absent", "json.absent.more")
	if got := pool.Best(base, better); got != "" {
		t.Errorf("got %q at once", got)
	}
	plain := pool.Wait(base)
	if got := pool.Best(base, better); got != plain {
		t.Errorf("got %q, want the base %q", got, plain)
	}
	learned := pool.Wait(better)
	if learned == "" || learned == plain {
		t.Fatalf("got %q", learned)
	}
	if got := pool.Best(base, better); got != learned {
		t.Errorf("got %q, want %q", got, learned)
	}
	other := base
	other.Learned = []string{"mine"}
	if got := pool.Best(base, other, better); got != learned {
		t.Errorf("got %q while that of a new list is not ready, want that of the old one %q", got, learned)
	}
	const code = "import sys; print('mine' in sys.modules, [m for m in sys.modules if 'absent' in m])"
	if got := mustFork(t, learned, base.Env, nil).run(t, code); got != "True []\n" {
		t.Errorf("got %q", got)
	}
	if got := mustFork(t, plain, base.Env, nil).run(t, code); got != "False []\n" {
		t.Errorf("got %q of the base", got)
	}
}

// TestLearnedModuleIsLookedAtCloser than one that the operator names.
func TestLearnedModuleIsLookedAtCloser(t *testing.T) {
	modules := map[string]string{
		"fine":       "x = 1\ndef f(): return get_ipython()",
		"asks":       "from IPython import get_ipython\nip = get_ipython()",
		"asks_name":  "try: get_ipython()\nexcept NameError: pass",
		"asks_flag":  "try:\n    __IPYTHON__\n    get_ipython\nexcept NameError: pass\nelse: get_ipython()",
		"keeps":      "import sys\nout = sys.stdout",
		"keeps_call": "import sys\ndef write(text, to=sys.stderr): to.write(text)",
		"logs":       "import logging\nlogging.basicConfig(level=logging.DEBUG)",
		"level":      "import logging\nlogging.root.setLevel(logging.DEBUG)",
		"policy":     "import asyncio\nasyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())",
		"draws":      "import matplotlib\nmatplotlib.rcParams['figure.dpi'] = 33",
		"counts":     "import numpy\nnumpy.set_printoptions(precision=2)",
		"extends":    "import pandas\n@pandas.api.extensions.register_dataframe_accessor('mine')\nclass Mine:\n    def __init__(self, df): pass",
		"prints":     "print('hello')",
		"crashes":    "import os\nos.abort()",
		"crashes_a":  "import crashes",
	}
	base, better := learn(t, modules)
	base.Preload = []string{"pandas", "matplotlib.pyplot"}
	better.Preload = base.Preload
	for name := range modules {
		better.Learned = append(better.Learned, name)
	}
	pool, log := newPool(t, warm.Options{Worth: 1})
	pool.Wait(base)
	pool.Best(base, better)
	socket := pool.Wait(better)
	if socket == "" {
		t.Fatal("got none")
	}
	for name := range modules {
		if got := regexp.MustCompile(`module=` + name + `\b`).MatchString(log.String()); got != (name != "fine") {
			t.Errorf("%s is left out: got %v", name, got)
		}
	}
	k := mustFork(t, socket, base.Env, nil)
	const code = `import sys, fine, matplotlib, builtins, logging
print('fine' in sys.modules, 'asks' in sys.modules, fine.f() is get_ipython(), __IPYTHON__, matplotlib.rcParams['figure.dpi'], logging.root.handlers)`
	if got := k.run(t, code); got != "True False True True 100.0 []\n" {
		t.Errorf("got %q", got)
	}
}

func TestLearnedModulesThatSpareNothing(t *testing.T) {
	pool, log := newPool(t, warm.Options{Worth: time.Hour})
	base, better := learn(t, map[string]string{"mine": "x = 1"}, "mine")
	plain := pool.Wait(base)
	pool.Best(base, better)
	if got := pool.Wait(better); got != "" {
		t.Errorf("got %q", got)
	}
	if got := pool.Best(base, better); got != plain {
		t.Errorf("got %q, want the base %q", got, plain)
	}
	if !strings.Contains(log.String(), "too little time") {
		t.Errorf("got the log %s", log)
	}
}

// TestLearnedModulesAreALuxury takes no other's place for them.
func TestLearnedModulesAreALuxury(t *testing.T) {
	base, better := learn(t, map[string]string{"a": "", "b": ""}, "a")
	other := base
	other.Learned = []string{"b"}
	t.Run("no room", func(t *testing.T) {
		pool, _ := newPool(t, warm.Options{Worth: 1, Max: 1})
		plain := pool.Wait(base)
		for range 2 {
			if got := pool.Best(base, better); got != plain {
				t.Errorf("got %q, want the base %q", got, plain)
			}
		}
	})
	t.Run("room for one", func(t *testing.T) {
		pool, _ := newPool(t, warm.Options{Worth: 1, Max: 2})
		plain := pool.Wait(base)
		pool.Best(base, better)
		first := pool.Wait(better)
		if got := pool.Best(base, other); got != plain || pool.Best(base, better) != first {
			t.Errorf("got %q, want the base %q while another list is in use", got, plain)
		}
		if got := pool.Best(base, other, better); got != plain {
			t.Errorf("got %q, want the base %q while the new list takes the old one's place", got, plain)
		}
		if second := pool.Wait(other); second == "" || pool.Best(base, other, better) != second {
			t.Errorf("got %q", second)
		}
		// Another environment needs the place.
		if got := pool.Wait(newKey(t)); got == "" {
			t.Error("got none")
		}
		if got := pool.Best(base, other, better); got != plain {
			t.Errorf("got %q, want the base %q", got, plain)
		}
	})
	t.Run("idle", func(t *testing.T) {
		pool, _ := newPool(t, warm.Options{Worth: 1, Max: 2, Idle: 1})
		pool.Wait(base)
		pool.Best(base, better)
		pool.Wait(better)
		pool.Best(base, other)
		if second := pool.Wait(other); second == "" || pool.Best(base, other) != second {
			t.Errorf("got %q", second)
		}
	})
	t.Run("too large", func(t *testing.T) {
		base, better := learn(t, map[string]string{"big": "x = bytearray(160 << 20)\nx[::4096] = b'x' * len(x[::4096])"}, "big")
		pool, _ := newPool(t, warm.Options{Worth: 1, MaxMemory: 160 << 20})
		plain := pool.Wait(base)
		pool.Best(base, better)
		if got := pool.Wait(better); got != "" {
			t.Errorf("got %q", got)
		}
		if got := pool.Best(base, better); got != plain || got == "" {
			t.Errorf("got %q, want the base %q", got, plain)
		}
	})
}

// TestOwnModuleGoesFirst of two with one name, as in a cold kernel.
func TestOwnModuleGoesFirst(t *testing.T) {
	base, better := learn(t, map[string]string{"shared": "who = 'environment'"}, "shared")
	pool, _ := newPool(t, warm.Options{Worth: 1})
	pool.Wait(base)
	pool.Best(base, better)
	socket := pool.Wait(better)
	for name, tt := range map[string]struct {
		files []string
		own   bool
	}{
		"nothing":                {nil, false},
		"another":                {[]string{"shared_too.py", "shared.txt", "shared.py.bak", "other/shared.py"}, false},
		"package without a file": {[]string{"shared/readme.txt"}, false},
		"module":                 {[]string{"shared.py"}, true},
		"compiled":               {[]string{"shared.abi3.so"}, true},
		"package":                {[]string{"shared/__init__.py"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range tt.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			k, err := fork(t, socket, base.Env, func(r *warm.Request) { r.Dir = dir })
			if tt.own != (err != nil) || tt.own && !strings.Contains(err.Error(), "has a module shared") {
				t.Fatalf("got %v", err)
			}
			if tt.own {
				return
			}
			if diff := cmp.Diff(k.run(t, "import shared; print(shared.who)"), "environment\n"); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}

// Package layers_test keeps the layers: it lists every package of the module
// with its imports and holds them against one table. Test files may import
// what they like, for a test wires real parts together.
package layers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quire/internal/testenv"
)

// A layer says what one package may import besides the standard library.
type layer struct {
	quire    []string // packages of this module; a trailing /... takes in those below
	external []string // prefixes of other modules' packages
}

const (
	gox        = "golang.org/x/"
	prometheus = "github.com/prometheus/"
	grpc       = "google.golang.org/grpc"
	protobuf   = "google.golang.org/protobuf"
	genproto   = "google.golang.org/genproto/"
	datasphere = "github.com/yandex-cloud/go-genproto/"
	gateway    = "github.com/grpc-ecosystem/grpc-gateway/v2/"
	terminal   = "github.com/mattn/go-isatty"
	compare    = "github.com/google/go-cmp"
	cobra      = "github.com/spf13/"
	sqlite     = "modernc.org/sqlite"
	uuid       = "github.com/google/uuid"
	cron       = "github.com/netresearch/go-cron"
	toml       = "github.com/BurntSushi/toml"
	yaml       = "go.yaml.in/yaml/v3"
	goldmark   = "github.com/yuin/goldmark"
	sanitizer  = "github.com/microcosm-cc/bluemonday"
	chroma     = "github.com/alecthomas/chroma/v2"
)

// The lower layers, each with what stands below it.
var (
	words    = []string{"quire", "quire/nbformat", "quire/jupyter", "quire/internal/rawjson"}
	running  = slices.Concat(words, []string{"quire/internal/crash", "quire/internal/journal", "quire/internal/runner"})
	journals = slices.Concat(words, []string{"quire/internal/crash", "quire/internal/journal"})
	serving  = slices.Concat(journals, []string{"quire/internal/dispatch", "quire/internal/service"})
	wire     = []string{gox, grpc, protobuf, genproto, datasphere, gateway, prometheus, uuid}
)

// layers is the table. A package that is not in it is refused: say first where
// it stands. What is only there for tests is in testSupport as well.
var layers = map[string]layer{
	"quire":          {},
	"quire/nbformat": {quire: []string{"quire", "quire/internal/rawjson"}},
	"quire/jupyter":  {quire: []string{"quire", "quire/jupyter/internal/zmtp"}, external: []string{gox + "sys/"}},

	"quire/jupyter/internal/zmtp": {},

	"quire/internal/crash":   {},
	"quire/internal/rawjson": {},
	"quire/internal/journal": {quire: slices.Concat(words, []string{"quire/internal/crash"}), external: []string{gox}},
	"quire/internal/runner":  {quire: words, external: []string{gox}},
	"quire/internal/pyenv":   {quire: words, external: []string{gox, toml, yaml}},

	"quire/internal/imports": {quire: []string{"quire", "quire/nbformat"}},

	"quire/internal/report": {quire: []string{"quire", "quire/nbformat"}, external: []string{goldmark, sanitizer, chroma}},

	"quire/internal/threads": {},

	"quire/internal/cgroup": {external: []string{gox}},
	"quire/internal/warm":   {quire: words, external: []string{gox}},

	"quire/internal/handover": {quire: []string{"quire/jupyter"}},

	"quire/internal/calendar": {quire: []string{"quire"}, external: []string{cron}},

	"quire/internal/executor": {
		quire:    slices.Concat(running, []string{"quire/internal/cgroup", "quire/internal/handover", "quire/internal/pyenv", "quire/internal/threads", "quire/internal/warm"}),
		external: []string{gox},
	},
	"quire/internal/dispatch": {quire: journals, external: []string{gox, prometheus}},
	"quire/internal/service": {
		quire:    slices.Concat(journals, []string{"quire/internal/calendar", "quire/internal/dispatch", "quire/internal/pyenv"}),
		external: []string{gox, prometheus},
	},

	"quire/internal/constraint": {quire: []string{"quire"}, external: wire},

	"quire/internal/auth":    {quire: serving, external: wire},
	"quire/internal/files":   {quire: serving, external: []string{gox}},
	"quire/internal/local":   {quire: slices.Concat(serving, []string{"quire/internal/cgroup", "quire/internal/executor", "quire/internal/handover", "quire/internal/imports"}), external: []string{gox, prometheus}},
	"quire/internal/webhook": {quire: serving},
	"quire/internal/sqlite":  {quire: serving, external: []string{gox, prometheus, sqlite}},
	"quire/internal/grpcapi": {
		quire:    slices.Concat(serving, []string{"quire/internal/gen/...", "quire/internal/constraint"}),
		external: wire,
	},
	"quire/internal/rest": {
		quire:    slices.Concat(serving, []string{"quire/internal/gen/...", "quire/internal/grpcapi", "quire/internal/report"}),
		external: wire,
	},

	"quire/internal/web": {},

	"quire/internal/gen/...": {quire: []string{"quire/internal/gen/..."}, external: wire},
	"quire/internal/cli": {
		quire:    slices.Concat(serving, running, []string{"quire/internal/auth", "quire/internal/executor", "quire/internal/gen/...", "quire/internal/report"}),
		external: slices.Concat(wire, []string{cobra, terminal}),
	},
	"quire/cmd/quire": {
		quire:    []string{"quire/..."},
		external: slices.Concat(wire, []string{cobra, terminal, sqlite}),
	},

	// What it has from others is started with every execution.
	"quire/cmd/quire-executor": {quire: []string{"quire/internal/executor"}},

	"quire/internal/storetest":  {quire: serving, external: []string{compare}},
	"quire/internal/testenv":    {},
	"quire/jupyter/jupytertest": {quire: slices.Concat(words, []string{"quire/jupyter/internal/zmtp"}), external: []string{gox}},
	"quire/bench/loadkernel":    {quire: []string{"quire/jupyter", "quire/jupyter/jupytertest"}},
	"quire/bench/load":          {quire: []string{"quire/bench/loadkernel"}},
}

// testSupport is imported by tests, by each other and by testPrograms alone.
var testSupport = []string{"quire/internal/storetest", "quire/internal/testenv", "quire/jupyter/jupytertest", "quire/bench/loadkernel"}

// testPrograms measure Quire, and are no part of it.
var testPrograms = []string{"quire/bench/load"}

// violation says why pkg may not import imported, or returns "".
func violation(pkg, imported string) string {
	l, ok := layerOf(pkg)
	switch {
	case !ok:
		return "is in no layer: give it a row in the table"
	case imported == "C":
		return "uses cgo: Quire is pure Go"
	case matches("quire/cmd/...", imported) || slices.Contains(testPrograms, imported):
		return "imports " + imported + ": nothing imports a main package"
	case slices.Contains(testSupport, pkg) && (imported == "testing" || slices.Contains(testSupport, imported)):
		return ""
	case slices.Contains(testPrograms, pkg) && slices.Contains(testSupport, imported):
		return ""
	case imported == "testing" || slices.Contains(testSupport, imported):
		return "imports " + imported + ": that is for tests alone"
	case standard(imported):
		return ""
	case matches("quire/...", imported):
		if slices.ContainsFunc(l.quire, func(p string) bool { return matches(p, imported) }) {
			return ""
		}
		return "imports " + imported + ": its layer may not"
	}
	if slices.ContainsFunc(l.external, func(p string) bool { return strings.HasPrefix(imported, p) }) {
		return ""
	}
	return "imports " + imported + ": its layer does not know that module"
}

func layerOf(pkg string) (layer, bool) {
	for pattern, l := range layers {
		if matches(pattern, pkg) {
			return l, true
		}
	}
	return layer{}, false
}

// matches reports whether pattern names pkg, as the go command reads "/...".
func matches(pattern, pkg string) bool {
	above, tree := strings.CutSuffix(pattern, "/...")
	return pkg == above || tree && strings.HasPrefix(pkg, above+"/")
}

// standard reports whether path is of the standard library: no dot in its
// first element, and not this module.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "quire" && !strings.Contains(first, ".")
}

// dependOnSources looks at every folder of the module: go test does not know
// what go list reads, and would show an old result from its cache.
func dependOnSources(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file of an editor, or of a test beside this one
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsPointDown(t *testing.T) {
	root := testenv.RepoRoot(t)
	dependOnSources(t, root)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,GoFiles", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	list, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}

	seen := 0
	for dec := json.NewDecoder(bytes.NewReader(list)); ; {
		var pkg struct {
			ImportPath       string
			GoFiles, Imports []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(pkg.GoFiles) == 0 {
			continue // tests only, as this one
		}
		seen++
		// A package with no imports must be in the table as well.
		for _, imported := range append(pkg.Imports, "errors") {
			if why := violation(pkg.ImportPath, imported); why != "" {
				t.Errorf("%s %s", pkg.ImportPath, why)
			}
		}
	}
	if seen < 5 {
		t.Errorf("go list showed %d packages with code, want all of the module", seen)
	}
}

func TestViolation(t *testing.T) {
	tests := []struct {
		pkg, imported string
		want          string // substring; empty: allowed
	}{
		{"quire", "encoding/json", ""},
		{"quire", "golang.org/x/sys/unix", "does not know that module"},
		{"quire", "quire/nbformat", "its layer may not"},
		{"quire/nbformat", "quire", ""},
		{"quire/nbformat", "quire/jupyter", "its layer may not"},
		{"quire/jupyter", "golang.org/x/sys/unix", ""},
		{"quire/jupyter", "github.com/go-zeromq/zmq4", "does not know that module"},
		{"quire/jupyter", "quire/nbformat", "its layer may not"},
		{"quire/internal/runner", "quire/jupyter", ""},
		{"quire/internal/runner", "quire/internal/journal", "its layer may not"},
		{"quire/internal/journal", "quire/internal/executor", "its layer may not"},
		{"quire/internal/executor", "quire/internal/runner", ""},
		{"quire/internal/executor", "quire/internal/cgroup", ""},
		{"quire/internal/cgroup", "quire", "its layer may not"},
		{"quire/internal/executor", "quire/internal/dispatch", "its layer may not"},
		{"quire/internal/executor", "quire/internal/warm", ""},
		{"quire/internal/warm", "quire/internal/runner", "its layer may not"},
		{"quire/internal/service", "quire/internal/dispatch", ""},
		{"quire/internal/service", "quire/internal/pyenv", ""},
		{"quire/internal/pyenv", "quire/internal/service", "its layer may not"},
		{"quire/internal/service", "quire/internal/files", "its layer may not"},
		{"quire/internal/service", "quire/internal/calendar", ""},
		{"quire/internal/service", "github.com/netresearch/go-cron", "does not know that module"},
		{"quire/internal/service", "google.golang.org/grpc", "does not know that module"},
		{"quire/internal/dispatch", "quire/internal/service", "its layer may not"},
		{"quire/internal/sqlite", "quire/internal/dispatch", ""},
		{"quire/internal/sqlite", "quire/internal/files", "its layer may not"},
		{"quire/internal/sqlite", "github.com/mattn/go-sqlite3", "does not know that module"},
		{"quire/internal/files", "quire/internal/sqlite", "its layer may not"},
		{"quire/internal/local", "quire/internal/executor", ""},
		{"quire/internal/grpcapi", "quire/internal/gen/quire/v1", ""},
		{"quire/internal/grpcapi", "quire/internal/rest", "its layer may not"},
		{"quire/internal/rest", "quire/internal/grpcapi", ""},
		{"quire/internal/rest", "quire/internal/auth", "its layer may not"},
		{"quire/internal/report", "quire/internal/journal", "its layer may not"},
		{"quire/internal/web", "quire/internal/rest", "its layer may not"},
		{"quire/internal/cli", "quire/internal/sqlite", "its layer may not"},
		{"quire/internal/cli", "quire/cmd/quire", "nothing imports a main package"},
		{"quire/cmd/quire", "quire/internal/sqlite", ""},
		{"quire/internal/service", "quire/internal/testenv", "for tests alone"},
		{"quire/internal/service", "testing", "for tests alone"},
		{"quire/jupyter/jupytertest", "testing", ""},
		{"quire/bench/load", "quire/bench/loadkernel", ""},
		{"quire/bench/load", "quire/internal/sqlite", "its layer may not"},
		{"quire/cmd/quire", "quire/bench/loadkernel", "for tests alone"},
		{"quire/cmd/quire", "quire/bench/load", "nothing imports a main package"},
		{"quire/internal/files", "C", "pure Go"},
		{"quire/internal/utils", "errors", "is in no layer"},
		{"quirehost", "errors", "is in no layer"},
	}
	for _, tt := range tests {
		got := violation(tt.pkg, tt.imported)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("violation(%q, %q) = %q, want %q", tt.pkg, tt.imported, got, tt.want)
		}
	}
}

package pyenv_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/pyenv"
	"quire/nbformat"
)

// project is a project's files by their paths.
type project map[string]string

func (p project) open(_ context.Context, path string) (io.ReadCloser, error) {
	text, ok := p[path]
	if !ok {
		return nil, &quire.Error{Code: quire.NotFound, Field: "path", Message: "there is no file " + path}
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (p project) declare(t *testing.T, path string, cells ...string) (*quire.EnvironmentDeclaration, error) {
	t.Helper()
	nb := &nbformat.Notebook{Cells: []*nbformat.Cell{{Type: nbformat.Markdown, Source: "# Title"}}}
	for _, source := range cells {
		nb.Cells = append(nb.Cells, &nbformat.Cell{Type: nbformat.Code, Source: source})
	}
	return pyenv.Declare(t.Context(), p.open, path, nb)
}

const uvLock = `version = 1
[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://index.example/simple" }
[[package]]
name = "mine"
source = { virtual = "." }
`

func TestDeclare(t *testing.T) {
	script := "# /// script\n# requires-python = \">=3.11, <4\"\n# dependencies = [\n#   \"rich>=13\",\n# ]\n#\n# [tool.uv]\n# exclude-newer = \"2026-03-04\"\n# ///\nimport rich\n"
	tests := []struct {
		name     string
		files    project
		notebook string
		cells    []string
		want     *quire.EnvironmentDeclaration
	}{
		{"nothing", project{"pyproject.toml": "[tool.ruff]\n"}, "a.ipynb", []string{"1"}, nil},
		{
			"the nearest folder",
			project{"requirements.txt": "far", "a/requirements.txt": "near", "a/b/c/requirements.txt": "below"},
			"a/b/x.ipynb", nil,
			&quire.EnvironmentDeclaration{Source: quire.RequirementsFile, Path: "a/requirements.txt", Requirements: []string{"near"}},
		},
		{
			"an empty file",
			project{"requirements.txt": "far", "a/requirements.txt": "# nothing\n"},
			"a/x.ipynb", nil,
			&quire.EnvironmentDeclaration{Source: quire.RequirementsFile, Path: "a/requirements.txt"},
		},
		{
			"requirements",
			project{
				"a/requirements.txt": "\ufeffpandas >=2 ; python_version > '3.9'  # why\r\n-r more/other.txt\n-c ../bounds.txt\nrich[jupyter]==13.0 \\\n  --hash=sha256:" + strings.Repeat("0", 64) + "\n",
				"a/more/other.txt":   "--requirement=more.txt",
				"a/more/more.txt":    "six",
				"bounds.txt":         "numpy<3\n-r bounds2.txt",
				"bounds2.txt":        "six<2",
				"a/.python-version":  "3.11\n",
			},
			"a/x.ipynb", nil,
			&quire.EnvironmentDeclaration{
				Source: quire.RequirementsFile, Path: "a/requirements.txt", Python: "==3.11.*",
				Requirements: []string{"pandas >=2 ; python_version > '3.9'", "six", "rich[jupyter]==13.0    --hash=sha256:" + strings.Repeat("0", 64)},
				Constraints:  []string{"numpy<3", "six<2"},
			},
		},
		{
			"a script block before all files",
			project{"uv.lock": "?", "requirements.txt": "x"},
			"a.ipynb",
			[]string{script, "1"},
			&quire.EnvironmentDeclaration{
				Source: quire.ScriptBlock, Path: "a.ipynb", Python: ">=3.11,<4", Requirements: []string{"rich>=13"}, ExcludeNewer: "2026-03-05T00:00:00Z",
			},
		},
		{
			"a script block in a later cell",
			project{"requirements.txt": "x"},
			"a.ipynb",
			[]string{"1", script},
			&quire.EnvironmentDeclaration{Source: quire.RequirementsFile, Path: "requirements.txt", Requirements: []string{"x"}},
		},
		{
			"uv.lock before requirements.txt",
			project{
				"uv.lock": uvLock, "requirements.txt": "x", "pyproject.toml": "[project]\nrequires-python = \">=3.11\"\n",
			},
			"a.ipynb", nil,
			&quire.EnvironmentDeclaration{
				Source: quire.ProjectLock, Path: "uv.lock", Python: ">=3.11", Lock: uvLock, Project: "[project]\nrequires-python = \">=3.11\"\n",
			},
		},
		{
			"environment.yml",
			project{"environment.yml": "name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n    - pandas>=2\n    - rich\n"},
			"a.ipynb", nil,
			&quire.EnvironmentDeclaration{Source: quire.CondaFile, Path: "environment.yml", Python: "==3.11.*", Requirements: []string{"pandas>=2", "rich"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.files.declare(t, tt.notebook, tt.cells...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("(-got +want):\n%s", diff)
			}
		})
	}
}

// TestHostileDeclaration holds off what would reach beyond the package indexes
// that the server's operator has chosen.
func TestHostileDeclaration(t *testing.T) {
	requirements := map[string]string{
		"-e .":                              "line 1: an editable package",
		"--editable=.":                      "line 1: an editable package",
		"six\n\n.":                          "line 3: a package by path",
		"./six":                             "a package by path",
		"/etc/passwd":                       "a package by path",
		"..":                                "a package by path",
		"six.whl":                           "a package by path",
		`a\b`:                               "a package by path",
		"six-1.0.tar.gz":                    "a package by path",
		"six @ file:///etc/passwd":          "a package by URL",
		"six@https://evil.example/six.whl":  "a package by URL",
		"https://evil.example/six.whl":      "a package by URL",
		"git+https://evil.example/six":      "a package by URL",
		"git+ssh://git@evil.example/six":    "a package by URL",
		"--index-url https://evil.example":  "line 1: the option --index-url cannot be given by a project",
		"-i https://evil.example":           "the option -i",
		"--extra-index-url=https://e.vil":   "the option --extra-index-url",
		"--find-links /":                    "the option --find-links",
		"-f/":                               "the option -f/",
		"--trusted-host evil":               "the option --trusted-host",
		"--no-binary :all:":                 "the option --no-binary",
		"six --config-settings=x":           "is no requirement",
		"-r ../other.txt":                   "line 1: -r leads out of the project",
		"-r a/../../other.txt":              "-r leads out of the project",
		"-r /etc/passwd":                    "-r names no file of the project",
		"-r https://evil.example/r.txt":     "-r names no file of the project",
		"-c file:///etc/passwd":             "-c names no file of the project",
		"-r missing.txt":                    "there is no file missing.txt",
		"-r requirements.txt":               "includes more than 20 files",
		"six $(touch x)":                    "is no requirement",
		"six\x00":                           "control character",
		"${HOME}":                           "is no requirement",
		"six ; x @ y\n-e .":                 "line 2: an editable package",
		"six==1.0 \\\n --hash=sha256:00\ny": "is no requirement",
		strings.Repeat("six\n", 10_001):     "more than 10000 requirements",
		strings.Repeat("#", 5<<20):          "larger than 4 MiB",
	}
	for text, want := range requirements {
		_, err := project{"requirements.txt": text}.declare(t, "a.ipynb")
		hostile(t, text, err, want)
	}
	scripts := map[string]string{
		"dependencies = [\"six @ file:///etc\"]":          "dependency 1 of its script block: a package by URL",
		"dependencies = [\"six\", \"-e .\"]":              "dependency 2 of its script block: an editable",
		"dependencies = [\"-r /etc/passwd\"]":             "the option -r",
		"dependencies = [\"six\\n-e .\"]":                 "control character",
		"dependencies = \"six\"":                          "is no TOML",
		"requires-python = \"/bin/sh\"":                   "is no version of Python",
		"requires-python = \"pypy\"":                      "is no version of Python",
		"[tool.uv.sources]\n# six = {path = \"/\"}":       "tool.uv.sources",
		"[tool.uv]\n# index-url = \"https://e.vil\"":      "tool.uv.index-url",
		"[tool.uv]\n# exclude-newer = \"3 days\"":         "tool.uv.exclude-newer",
		"dependencies = []\n# ///\n\n# /// script\n# x=1": "2 script blocks",
	}
	for text, want := range scripts {
		_, err := project{}.declare(t, "a.ipynb", "# /// script\n# "+text+"\n# ///")
		hostile(t, text, err, want)
	}
	conda := map[string]string{
		"dependencies: [numpy=1.26]":                    `"numpy=1.26" is a package of conda`,
		"dependencies: [conda-forge::python]":           "is a package of conda",
		"dependencies: [python=3.x]":                    "is a package of conda",
		"dependencies: [python=2.7]":                    "is no version of Python",
		"dependencies:\n  - pip:\n    - -e .":           "line 2: an editable package",
		"dependencies:\n  - npm:\n    - left-pad":       "neither a package nor a list of pip's",
		"dependencies: {python: 3}":                     "is no YAML of an environment",
		"variables: {A: b}":                             "variables are not possible",
		"dependencies:\n  - pip:\n    - -r ../../x.txt": "leads out of the project",
	}
	for text, want := range conda {
		_, err := project{"environment.yml": text}.declare(t, "a.ipynb")
		hostile(t, text, err, want)
	}
	locks := map[string]string{
		strings.Replace(uvLock, `registry = "https://index.example/simple"`, `git = "https://evil.example/six"`, 1):     "the package six comes from no index",
		strings.Replace(uvLock, `registry = "https://index.example/simple"`, `url = "https://evil.example/six.whl"`, 1): "comes from no index",
		strings.Replace(uvLock, `virtual = "."`, `editable = "../.."`, 1):                                               "the package mine comes from no index",
		strings.Replace(uvLock, "https://index.example/simple", "https://index.example/ https://evil.example", 1):       "comes from no index",
		strings.Replace(uvLock, "https://index.example/simple", "/etc", 1):                                              "comes from no index",
		"[[": "cannot be read",
	}
	for text, want := range locks {
		_, err := project{"uv.lock": text, "pyproject.toml": ""}.declare(t, "a.ipynb")
		hostile(t, text, err, want)
	}
	_, err := project{"uv.lock": uvLock}.declare(t, "a.ipynb")
	hostile(t, "uv.lock alone", err, "no pyproject.toml beside it")
	_, err = project{"uv.lock": uvLock, "pyproject.toml": "[tool.uv.workspace]\nmembers = [\"../..\"]\n"}.declare(t, "a.ipynb")
	hostile(t, "workspace", err, "a workspace")
}

func hostile(t *testing.T, text string, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*quire.Error](err)
	if !ok || e.Code != quire.FailedPrecondition || !strings.Contains(e.Message, want) {
		t.Errorf("%.80q: got %v, want %s", text, err, want)
	}
}

// FuzzDeclare looks for a panic, and for a requirement that is let through
// though it is more than a name.
func FuzzDeclare(f *testing.F) {
	for _, seed := range []string{"six", "six[a]>=1;x\n-r b", "six \\\n --hash=sha256:0", "# /// script\n# dependencies = ['x']\n# ///\n", "dependencies:\n- pip: [x]\n"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, cell string) {
		for _, name := range []string{"requirements.txt", "environment.yml", "uv.lock"} {
			d, err := project{name: text, "pyproject.toml": text}.declare(t, "a.ipynb", cell)
			if err != nil || d == nil {
				continue
			}
			for _, r := range append(d.Requirements, d.Constraints...) {
				before, _, _ := strings.Cut(r, ";")
				before, _, _ = strings.Cut(before, "--hash")
				if strings.ContainsAny(before, "/@\\\n\r$`") || strings.HasPrefix(r, "-") || strings.HasPrefix(r, ".") {
					t.Errorf("%q is let through", r)
				}
			}
		}
	})
}

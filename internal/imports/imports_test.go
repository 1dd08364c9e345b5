package imports_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/internal/imports"
	"quire/nbformat"
)

func notebook(language string, cells ...string) *nbformat.Notebook {
	nb := &nbformat.Notebook{Metadata: nbformat.Object{}}
	if language != "" {
		nb.Metadata["language_info"] = []byte(`{"name":"` + language + `"}`)
	}
	for _, source := range cells {
		nb.Cells = append(nb.Cells, &nbformat.Cell{Type: nbformat.Code, Source: source})
	}
	return nb
}

func TestOf(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
	}{
		"plain":           {"import numpy", []string{"numpy"}},
		"alias":           {"import pandas as pd", []string{"pandas"}},
		"dotted":          {"import scipy.stats as st", []string{"scipy.stats"}},
		"several":         {"import numpy as np, pandas,scipy.stats", []string{"numpy", "pandas", "scipy.stats"}},
		"from":            {"from sklearn.linear_model import (\n    Ridge,\n)", []string{"sklearn.linear_model"}},
		"comment":         {"import numpy  # import pandas", []string{"numpy"}},
		"semicolon":       {"import numpy; import pandas", []string{"numpy", "pandas"}},
		"windows' lines":  {"import numpy\r\nimport pandas\r\n", []string{"numpy", "pandas"}},
		"tabs":            {"from\tsklearn\timport svm", []string{"sklearn"}},
		"once":            {"import numpy\nfrom numpy import array", []string{"numpy"}},
		"sorted":          {"import scipy\nimport numpy", []string{"numpy", "scipy"}},
		"not at the top":  {"def f():\n    import numpy\nif 1: import pandas", nil},
		"relative":        {"from . import x\nfrom .numpy import y", nil},
		"Python's own":    {"import os, sys, this, antigravity, turtle, pdb, __main__, __future__\nimport os.path", nil},
		"deny list":       {"import torch, gevent.monkey, pytest\nfrom tqdm.auto import tqdm\nimport matplotlib.backends.backend_agg\nimport tqdm", []string{"tqdm"}},
		"private":         {"import _x", nil},
		"options":         {"import -c\nimport --", nil},
		"letters":         {"import größe\nimport a/b\nimport a..b\nimport a.\nimport 1a", nil},
		"words":           {"important = 1\nfrom_x = 2\nfromage import x\nimport", nil},
		"long":            {"import " + strings.Repeat("a", 65), nil},
		"deep":            {"import a.b.c.d, a.b.c.d.e", []string{"a.b.c.d"}},
		"another program": {"%%writefile own.py\nimport numpy", nil},
		"a magic":         {"%matplotlib inline\nimport numpy", []string{"numpy"}},
		"empty lines":     {"\n\nimport numpy\n\n", []string{"numpy"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(imports.Of(notebook("python", tt.source)), tt.want); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}

func TestOfOtherCells(t *testing.T) {
	nb := notebook("", "import numpy")
	nb.Cells = append(nb.Cells, &nbformat.Cell{Type: nbformat.Markdown, Source: "import pandas"})
	if diff := cmp.Diff(imports.Of(nb), []string{"numpy"}); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
	if got := imports.Of(notebook("julia", "import Pkg")); got != nil {
		t.Errorf("got %q of another language", got)
	}
}

func TestOfIsBounded(t *testing.T) {
	var source strings.Builder
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			source.WriteString("import own" + string(a) + string(b) + "\n")
		}
	}
	if got := imports.Of(notebook("python", source.String())); len(got) != 32 {
		t.Errorf("got %d modules, want 32", len(got))
	}
}

func FuzzOf(f *testing.F) {
	f.Add("import numpy as np, a.b; from c import d # e\n%%bash\nimport x")
	f.Fuzz(func(t *testing.T, source string) {
		for _, name := range imports.Of(notebook("", source)) {
			if name == "" || name[0] == '-' || len(name) > 64 || strings.ContainsAny(name, " \x00\n\t/;'\"") {
				t.Errorf("got %q", name)
			}
		}
	})
}

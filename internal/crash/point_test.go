package crash_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"quire/internal/crash"
	"quire/internal/testenv"
)

// Every constant of point.go is in Points, once.
func TestPointsAreListed(t *testing.T) {
	listed := map[crash.Point]int{}
	for _, p := range crash.Points() {
		listed[p]++
	}
	file, err := parser.ParseFile(token.NewFileSet(), "point.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]crash.Point{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(value.Value)
				declared[spec.Names[0].Name] = crash.Point(name)
			}
		}
		return true
	})
	for name, p := range declared {
		if listed[p] != 1 {
			t.Errorf("%s (%s) is listed %d times in Points", name, p, listed[p])
		}
	}
	if len(declared) != len(listed) {
		t.Errorf("%d points are declared and %d listed", len(declared), len(listed))
	}
	used := pointsInUse(t)
	for name := range declared {
		if !used[name] {
			t.Errorf("the program never comes to %s", name)
		}
	}
}

// pointsInUse returns the names of the points that the program's code has.
func pointsInUse(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	root := testenv.RepoRoot(t)
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "crash" {
					used[sel.Sel.Name] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

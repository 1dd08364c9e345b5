package runner_test

import (
	"encoding/json"
	"testing"

	"quire/internal/runner"
)

func TestInjectedParameters(t *testing.T) {
	inputs := map[string]any{
		"count": json.Number("3.0"), "rate": json.Number("0.5"), "big": json.Number("12345678901234567890"),
		"name": "O'Brien \"\\\n€$😀", "on": true, "none": nil,
		"list": []any{json.Number("1"), "a", nil, false}, "map": map[string]any{"k": []any{}},
		"unassigned": "not in the cell",
	}
	for _, tt := range []struct{ language, cell, want string }{
		{
			"python", "count: int = 1\nrate, name = 0.1, ''\nbig = 0 # x\non=False\nnone = list = 1\nmap = unassigned == 1\nif x == 1:\n    unassigned = 2\nunassigned == 3",
			`# Parameters
big = 12345678901234567890
count = 3
list = [1, "a", None, False]
map = {"k": []}
name = "O'Brien \"\\\n\u20ac$\U0001f600"
none = None
on = True
rate = 0.5`,
		},
		{
			"R", "count <- 1\nname = 'x'\nbig<-2\nlist <- c()\nnone <- 1",
			`# Parameters
big = 12345678901234567890
count = 3L
list = list(1L, "a", NULL, FALSE)
name = "O'Brien \"\\\n\u20ac$\U0001f600"
none = NULL`,
		},
		{
			"julia", "const count = 1\nname::String = \"x\"\nmap = 1\nnone = 2",
			`# Parameters
count = 3
map = Dict("k" => [])
name = "O'Brien \"\\\n\u20ac\$\U0001f600"
none = nothing`,
		},
		{
			"scala", "val count = 1\nvar name: String = \"x\"\nval big = 1\nval map = 1",
			`// Parameters
val big = BigInt("12345678901234567890")
val count = 3
val map = Map("k" -> Seq())
val name = "O'Brien \"\\\n\u20ac$\ud83d\ude00"`,
		},
		{
			"bash", "count=1\nexport name=x\nlist=y\nnone=1\n[ unassigned = x ]",
			"# Parameters\ncount='3'\nlist='[1,\"a\",null,false]'\nname='O'\\''Brien \"\\\n€$😀'\nnone=''",
		},
	} {
		t.Run(tt.language, func(t *testing.T) {
			nb := notebook("before", tt.cell, "after")
			tag(nb.Cells[1], `["parameters"]`)
			plan := runner.NewPlan(nb, tt.language, "", inputs)
			if plan.Injected == nil {
				t.Fatal("nothing is injected")
			}
			if got := plan.Injected; got.Source != tt.want || got.Index != 2 || got.ID == "" {
				t.Errorf("got %+v, want at 2:\n%s", got, tt.want)
			}
			if plan.Cells != 4 {
				t.Errorf("got %d cells to run, want 4", plan.Cells)
			}
		})
	}
}

func TestNothingIsInjected(t *testing.T) {
	inputs := map[string]any{"a": "x"}
	t.Run("without a parameters cell", func(t *testing.T) {
		if p := runner.NewPlan(notebook("a = 1"), "python", "", inputs); p.Injected != nil {
			t.Errorf("got %+v", p.Injected)
		}
	})
	t.Run("in a language without a translator", func(t *testing.T) {
		nb := notebook("a = 1")
		tag(nb.Cells[0], `["parameters"]`)
		if p := runner.NewPlan(nb, "cobol", "", inputs); p.Injected != nil {
			t.Errorf("got %+v", p.Injected)
		}
	})
	t.Run("where the cell assigns no input", func(t *testing.T) {
		nb := notebook("b = 1")
		tag(nb.Cells[0], `["parameters"]`)
		if p := runner.NewPlan(nb, "python", "", inputs); p.Injected != nil {
			t.Errorf("got %+v", p.Injected)
		}
	})
	t.Run("into a run of one cell", func(t *testing.T) {
		nb := notebook("a = 1", "b")
		tag(nb.Cells[0], `["parameters"]`)
		if p := runner.NewPlan(nb, "python", nb.Cells[1].ID, inputs); p.Injected != nil || p.Cells != 1 {
			t.Errorf("got %+v", p)
		}
	})
}

func TestInjectedCellIsReplaced(t *testing.T) {
	nb := notebook("a = 'earlier'", "a = 1", "print(a)")
	tag(nb.Cells[0], `["injected-parameters"]`)
	tag(nb.Cells[1], `["parameters"]`)
	nb.Cells[2].ID = "injected-parameters"
	p := runner.NewPlan(nb, "python", "", map[string]any{"a": "now"})
	if p.Injected == nil || p.Injected.Index != 1 || p.Injected.ID != "injected-parameters-2" || p.Cells != 3 {
		t.Errorf("got %+v, %d cells", p.Injected, p.Cells)
	}
}

package imports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/imports"
)

// diary adds executions to a history, with a clock of its own.
type diary struct {
	*imports.History
	now time.Time
	n   int
}

func newDiary() *diary {
	d := &diary{now: time.Unix(1_000_000, 0)}
	d.History = imports.NewHistory(func() time.Time { return d.now })
	return d
}

func (d *diary) run(project quire.ProjectID, times int, modules ...string) {
	for range times {
		d.n++
		d.Add(project, quire.ExecutionID(fmt.Sprint(d.n)), modules)
	}
}

func (d *diary) want(t *testing.T, project quire.ProjectID, chosen, before []string) {
	t.Helper()
	got, was, _ := d.Choice(project)
	if diff := cmp.Diff([][]string{got, was}, [][]string{chosen, before}); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func TestModuleIsChosen(t *testing.T) {
	d := newDiary()
	d.run("p", 2, "scipy", "numpy")
	d.want(t, "p", nil, nil)
	d.run("p", 1, "scipy", "numpy", "once")
	d.want(t, "p", []string{"numpy", "scipy"}, nil)
	d.want(t, "another", nil, nil)
}

// TestChoiceSettles changes no sooner than a fork server is worth it.
func TestChoiceSettles(t *testing.T) {
	d := newDiary()
	d.run("p", 3, "numpy")
	d.run("p", 3, "scipy")
	d.want(t, "p", []string{"numpy"}, nil)
	d.now = d.now.Add(10 * time.Minute)
	d.want(t, "p", []string{"numpy", "scipy"}, []string{"numpy"})
	d.run("p", 19, "other")
	d.now = d.now.Add(10 * time.Minute)
	// What one of the last executions has imported stays, however seldom that is.
	d.want(t, "p", []string{"other", "scipy"}, []string{"numpy", "scipy"})
	d.run("p", 1, "other")
	d.now = d.now.Add(10 * time.Minute)
	d.want(t, "p", []string{"other"}, []string{"other", "scipy"})
	d.run("p", 40)
	d.now = d.now.Add(10 * time.Minute)
	d.want(t, "p", nil, []string{"other"})
}

func TestChoiceIsBounded(t *testing.T) {
	d := newDiary()
	var modules []string
	for i := range 32 {
		modules = append(modules, fmt.Sprintf("m%02d", i))
	}
	d.run("p", 3, modules...)
	d.run("p", 3, "zz")
	if got, _, _ := d.Choice("p"); len(got) != 16 {
		t.Errorf("got %d modules, want 16", len(got))
	}
}

func TestExecutionCountsOnce(t *testing.T) {
	d := newDiary()
	for range 5 {
		d.Add("p", "same", []string{"numpy"})
		d.Recall("p", "same", []string{"numpy"})
	}
	d.want(t, "p", nil, nil)
}

// TestRecall goes before what has come since.
func TestRecall(t *testing.T) {
	d := newDiary()
	if _, _, known := d.Choice("p"); known {
		t.Error("it is known before it was asked for")
	}
	if _, _, known := d.Choice("p"); !known {
		t.Error("it is not known after it was asked for")
	}
	d.run("p", 1, "scipy")
	for i := range 30 {
		d.Recall("p", quire.ExecutionID(fmt.Sprintf("old%d", i)), []string{"numpy"})
	}
	d.want(t, "p", []string{"numpy"}, nil)
	d.run("p", 19, "scipy")
	d.now = d.now.Add(10 * time.Minute)
	d.want(t, "p", []string{"scipy"}, []string{"numpy"})
}

func TestProjectsAreForgotten(t *testing.T) {
	d := newDiary()
	for i := range 1000 {
		d.run(quire.ProjectID(fmt.Sprint(i)), 3, "numpy")
	}
	if _, _, known := d.Choice("999"); !known {
		t.Error("the last one is not known")
	}
	if _, _, known := d.Choice("1"); known {
		t.Error("the first one is still known")
	}
}

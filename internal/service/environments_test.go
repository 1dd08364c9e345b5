package service_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
)

// environments is a store that makes everything at once.
type environments struct {
	built []quire.EnvironmentDeclaration
}

func (e *environments) List(context.Context) ([]quire.Environment, error) {
	return []quire.Environment{{Digest: "d"}}, nil
}

func (e *environments) Get(_ context.Context, digest string) (quire.Environment, error) {
	return quire.Environment{Digest: digest}, nil
}

func (e *environments) Build(_ context.Context, d quire.EnvironmentDeclaration, _ bool, tell func(quire.EnvironmentProgress)) (quire.Environment, error) {
	e.built = append(e.built, d)
	tell(quire.EnvironmentProgress{Phase: quire.EnvironmentInstalling})
	return quire.Environment{Digest: "d"}, nil
}

func (e *environments) Remove(context.Context, string) error { return nil }

func newHouseWithEnvironments(t *testing.T) (*house, *environments) {
	t.Helper()
	h, e := newHouse(t, nil), &environments{}
	h.Service = service.New(service.Parts{
		Store: h.store, Deletions: h.store, Files: h.files, Archive: h.archive, Dispatcher: h.dispatcher,
		Kernels: kernels{"python3", "bash", "spark"}, Environments: e,
	}, nil)
	return h, e
}

// declaredFor executes a notebook with that metadata and returns what was kept
// of its environment.
func (h *house) declaredFor(t *testing.T, metadata string) (*quire.EnvironmentDeclaration, error) {
	t.Helper()
	h.put(t, "reports/sales.ipynb", strings.Replace(notebook, `{"kernelspec":{"name":"python3","display_name":"Python 3"}}`, metadata, 1))
	op, err := h.Execute(t.Context(), caller, h.request())
	if err != nil {
		return nil, err
	}
	return h.archive.Declared(t.Context(), quire.ExecutionID(op.ID))
}

// TestDeclaredEnvironment is kept as it stood when the notebook was submitted.
func TestDeclaredEnvironment(t *testing.T) {
	h, _ := newHouseWithEnvironments(t)
	if d, err := h.declaredFor(t, `{}`); d != nil || err != nil {
		t.Errorf("got %+v, %v; nothing is declared", d, err)
	}
	h.put(t, "requirements.txt", "pandas")
	d, err := h.declaredFor(t, `{"kernelspec":{"name":"of-the-author","display_name":"x","language":"python"}}`)
	if err != nil {
		t.Fatal(err)
	}
	h.put(t, "requirements.txt", "polars")
	want := &quire.EnvironmentDeclaration{Source: quire.RequirementsFile, Path: "requirements.txt", Requirements: []string{"pandas"}}
	if diff := cmp.Diff(d, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	for name, metadata := range map[string]string{
		"in another language":  `{"kernelspec":{"name":"bash","display_name":"Bash","language":"bash"}}`,
		"on a kernel there is": `{"kernelspec":{"name":"spark","display_name":"Spark","language":"python"}}`,
	} {
		if d, err := h.declaredFor(t, metadata); d != nil || err != nil {
			t.Errorf("%s: got %+v, %v; it has no use for an environment", name, d, err)
		}
	}
	_, err = h.declaredFor(t, `{"kernelspec":{"name":"ir","display_name":"R","language":"R"}}`)
	if quire.CodeOf(err) != quire.InvalidArgument || !strings.Contains(err.Error(), `no kernel "ir"`) {
		t.Errorf("got %v", err)
	}

	h.put(t, "reports/requirements.txt", "-r ../../other/requirements.txt")
	_, err = h.declaredFor(t, `{}`)
	if quire.CodeOf(err) != quire.FailedPrecondition || !strings.Contains(err.Error(), "reports/requirements.txt, which declares the Python environment: line 1: -r leads out of the project") {
		t.Errorf("got %v", err)
	}
}

func TestBuildEnvironment(t *testing.T) {
	h, store := newHouseWithEnvironments(t)
	told := 0
	build := func(notebook string) (quire.Environment, error) {
		return h.BuildEnvironment(t.Context(), h.project, notebook, false, func(quire.EnvironmentProgress) { told++ })
	}
	if _, err := build("reports/sales.ipynb"); quire.CodeOf(err) != quire.FailedPrecondition || !strings.Contains(err.Error(), "nothing is declared") {
		t.Errorf("got %v", err)
	}
	for notebook, code := range map[string]quire.Code{"": quire.InvalidArgument, "../x.ipynb": quire.InvalidArgument, "absent.ipynb": quire.NotFound} {
		if _, err := build(notebook); quire.CodeOf(err) != code || !strings.HasPrefix(err.Error(), "notebook: ") {
			t.Errorf("%q: got %v", notebook, err)
		}
	}
	h.put(t, "requirements.txt", "pandas")
	e, err := build("reports/sales.ipynb")
	if err != nil || e.Digest != "d" || told != 1 || len(store.built) != 1 || store.built[0].Path != "requirements.txt" {
		t.Errorf("got %+v, %v; built %+v", e, err, store.built)
	}
}

// TestNoEnvironments is a server that runs everything in its own.
func TestNoEnvironments(t *testing.T) {
	h := newHouse(t, nil)
	h.put(t, "requirements.txt", "-e .")
	if d, err := h.declaredFor(t, `{}`); d != nil || err != nil {
		t.Errorf("got %+v, %v", d, err)
	}
	if list, err := h.Environments(t.Context()); len(list) != 0 || err != nil {
		t.Errorf("got %v, %v", list, err)
	}
	_, err := h.Environment(t.Context(), "12345678")
	if quire.CodeOf(err) != quire.FailedPrecondition {
		t.Errorf("got %v", err)
	}
}

// TestRetryInItsEnvironment takes the declaration of then, and a kernel that
// only its environment has.
func TestRetryInItsEnvironment(t *testing.T) {
	h, _ := newHouseWithEnvironments(t)
	h.put(t, "requirements.txt", "pandas")
	if _, err := h.declaredFor(t, `{"kernelspec":{"name":"of-the-author","display_name":"x","language":"python"}}`); err != nil {
		t.Fatal(err)
	}
	first := h.claim(t)
	h.end(t, first, quire.Failed, nil)
	h.put(t, "requirements.txt", "polars")
	again, err := h.Retry(t.Context(), caller, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	d, err := h.archive.Declared(t.Context(), again.ID)
	if err != nil || d == nil || strings.Join(d.Requirements, " ") != "pandas" {
		t.Errorf("got %+v, %v; want what was declared then", d, err)
	}
}

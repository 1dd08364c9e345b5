package local_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quire"
	"quire/internal/local"
	"quire/internal/pyenv"
	"quire/internal/testenv"
	"quire/internal/warm"
	"quire/jupyter"
)

// oneFolder finds everything of a job's that a test has made.
type oneFolder struct {
	job      quire.Job
	declared *quire.EnvironmentDeclaration
}

func (o oneFolder) Dir(context.Context, quire.ProjectID, string) (string, error) {
	return o.job.WorkDir, nil
}
func (o oneFolder) Path(quire.ExecutionID) string        { return o.job.Dir }
func (o oneFolder) JournalPath(quire.ExecutionID) string { return o.job.JournalPath() }
func (o oneFolder) Declared(context.Context, quire.ExecutionID) (*quire.EnvironmentDeclaration, error) {
	return o.declared, nil
}

// newStore has one package of ours beside those of the index.
func newStore(t *testing.T) *pyenv.Store {
	t.Helper()
	wheels, dir := t.TempDir(), filepath.Join(t.TempDir(), "environments")
	testenv.Wheel(t, wheels, "quire_test_wheel", "1.0")
	store, err := pyenv.Create(dir, pyenv.Settings{
		Python: testenv.Python(t), UV: testenv.UV(t), FindLinks: []string{wheels},
		Cache: filepath.Join(testenv.Cache(t), "uv-cache"), Env: pyenv.NetworkEnv(os.Environ()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(path, 0o700) // t.TempDir removes it
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestKernelOfADeclaredEnvironmentIsForked from the second on: the first has
// to build the environment.
func TestKernelOfADeclaredEnvironmentIsForked(t *testing.T) {
	store := newStore(t)
	pool := warm.New(nil)
	t.Cleanup(pool.Close)
	var asked []warm.Key
	ended := make(chan struct{})
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	jobs := &local.Jobs{
		KernelPath: jupyter.SearchPath(nil, filepath.Dir(filepath.Dir(testenv.Python(t)))),
		Env:        env, DeclaredEnv: env, Environments: store.Dir(),
		Built: func(d quire.EnvironmentDeclaration, env []string) (local.Place, bool) {
			lease, err := store.Lookup(d)
			if err != nil || lease == nil {
				return local.Place{}, false
			}
			defer lease.Release()
			return local.Place{KernelPath: []string{lease.KernelPath()}, Env: lease.Environ(env)}, true
		},
		Warm: func(python string, env []string, _ ...[]string) string {
			key := warm.Key{Python: python, Env: env}
			asked = append(asked, key)
			return pool.Wait(key)
		},
	}
	b := newBackend(t)
	b.Ended = func(dir string, _ *quire.Finished) { jobs.WarmAfter(dir); close(ended) }
	const source = "import sys, os, quire_test_wheel; print(sys.prefix == os.environ['VIRTUAL_ENV'])"
	execute := func() quire.Job {
		job := blankJob(t, source)
		folder := oneFolder{job, &quire.EnvironmentDeclaration{
			Source: quire.RequirementsFile, Path: "requirements.txt", Requirements: []string{"quire-test-wheel==1.0"},
		}}
		jobs.Projects, jobs.Executions = folder, folder
		job, err := jobs.Job(t.Context(), quire.Execution{ID: job.ExecutionID, Run: job.Run})
		if err != nil {
			t.Fatal(err)
		}
		end, text, _ := finish(t, b, job)
		if end.State != quire.Succeeded || text != "True\n" {
			t.Fatalf("got %+v %q", end.Failure, text)
		}
		return job
	}
	if first := execute(); first.Warm != nil {
		t.Errorf("the first is offered %+v", first.Warm)
	}
	await(t, "the end", ended)
	if len(asked) != 1 || !strings.HasPrefix(asked[0].Python, store.Dir()) {
		t.Fatalf("after the first one fork servers are asked for: %+v", asked)
	}
	b.Ended = nil
	wantForked(t, execute())
}

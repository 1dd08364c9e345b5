package local_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/local"
	"quire/internal/testenv"
	"quire/internal/warm"
	"quire/jupyter"
)

// school is a server of two projects as far as a Learner knows it: what it
// stores, and where everything lies.
type school struct {
	backend    *local.Backend
	jobs       *local.Jobs
	pool       *warm.Pool
	env        []string
	executions string
	projects   map[quire.ProjectID]string
	ended      []quire.Execution // the newest first
	asked      [][]string        // lists of which a fork server was asked for
	learned    <-chan struct{}
}

func (s *school) Dir(_ context.Context, id quire.ProjectID, _ string) (string, error) {
	return s.projects[id], nil
}

func (s *school) Path(id quire.ExecutionID) string { return filepath.Join(s.executions, string(id)) }

func (s *school) JournalPath(id quire.ExecutionID) string {
	return quire.Job{Dir: s.Path(id)}.JournalPath()
}

func (s *school) Declared(context.Context, quire.ExecutionID) (*quire.EnvironmentDeclaration, error) {
	return nil, nil //nolint:nilnil // nothing is declared
}

func (s *school) Execution(_ context.Context, id quire.ExecutionID) (quire.Execution, error) {
	for _, e := range s.ended {
		if e.ID == id {
			return e, nil
		}
	}
	return quire.Execution{}, quire.Errorf(quire.NotFound, "there is no %s", id)
}

func (s *school) Executions(_ context.Context, f quire.ExecutionFilter) (list []quire.Execution, _ string, _ error) {
	for _, e := range s.ended {
		if e.ProjectID == f.ProjectID && len(list) < f.Page.Size {
			list = append(list, e)
		}
	}
	return list, "", nil
}

// newSchool has a module "common" in the environment, and a project "one" with
// modules of its own.
func newSchool(t *testing.T) *school {
	t.Helper()
	packages := t.TempDir()
	s := &school{executions: t.TempDir(), projects: map[quire.ProjectID]string{"one": t.TempDir(), "two": t.TempDir()}}
	s.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONPATH=" + packages, "PYTHONDONTWRITEBYTECODE=1"}
	for path, source := range map[string]string{
		filepath.Join(packages, "common.py"):            "whose = 'environment'",
		filepath.Join(s.projects["one"], "helpers.py"):  "whose = 'one'",
		filepath.Join(s.projects["two"], "unlike.py"):   "",
		filepath.Join(s.projects["one"], "__init__.py"): "",
	} {
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.pool = warm.New(&warm.Options{Worth: 1, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Cleanup(s.pool.Close)
	s.backend = newBackend(t)
	s.begin(t)
	return s
}

// begin is a start of the server: what it held in memory is gone.
func (s *school) begin(t *testing.T) {
	t.Helper()
	learner := local.NewLearner(s, s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	s.learned = learner.Learned()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); learner.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	s.jobs = &local.Jobs{
		Projects: s, Executions: s, Env: s.env, Learner: learner,
		KernelPath: jupyter.SearchPath(nil, filepath.Dir(filepath.Dir(testenv.Python(t)))),
		Warm: func(python string, env []string, learned ...[]string) string {
			base := warm.Key{Python: python, Env: env}
			if s.pool.Wait(base) == "" || len(learned) == 0 {
				return s.pool.Best(base)
			}
			s.asked = append(s.asked, learned[0])
			better := base
			better.Learned = learned[0]
			s.pool.Best(base, better)
			s.pool.Wait(better)
			return s.pool.Best(base, better)
		},
	}
	learner.Then = s.jobs.WarmLearned
	s.backend.Ended = learner.Ended
}

// execute runs the source in the project, and returns what it has printed once
// that was learned from.
func (s *school) execute(t *testing.T, project quire.ProjectID, source string) (end quire.Finished, text string) {
	t.Helper()
	job := blankJob(t, source)
	if err := os.Rename(job.Dir, s.Path(job.ExecutionID)); err != nil {
		t.Fatal(err)
	}
	e := quire.Execution{ID: job.ExecutionID, ProjectID: project, Run: job.Run}
	s.ended = append([]quire.Execution{e}, s.ended...) // what is being learned meanwhile is nothing
	job, err := s.jobs.Job(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	end, text, _ = finish(t, s.backend, job)
	wantForked(t, job)
	return end, text
}

const (
	homework = "import helpers, common\nprint(helpers.whose, common.whose)"
	look     = "import sys\nprint('common' in sys.modules, 'helpers' in sys.modules)\ntry:\n    import helpers\n    print(helpers.whose)\nexcept ImportError: print('absent')"
)

// TestProjectIsLearned by itself: no other sees what it imports, and the fork
// server has nothing of its files.
func TestProjectIsLearned(t *testing.T) {
	s := newSchool(t)
	want := func(project quire.ProjectID, source, want string) {
		t.Helper()
		if end, text := s.execute(t, project, source); end.State != quire.Succeeded || text != want {
			t.Errorf("%s: got %+v %q, want %q", project, end.Failure, text, want)
		}
		await(t, "lesson", s.learned)
	}
	want("one", homework, "one environment\n")
	await(t, "lesson", s.learned) // what was before, which is nothing
	want("one", homework, "one environment\n")
	want("one", look, "False False\none\n")
	want("one", homework, "one environment\n")
	if diff := cmp.Diff(s.asked, [][]string{{"common", "helpers"}}); diff != "" {
		t.Errorf("before the next execution fork servers are asked for (-got +want):\n%s", diff)
	}
	want("one", look, "True False\none\n")
	want("two", look, "False False\nabsent\n")

	// The folder itself is not learned from, nor what failed.
	s.projects["two"] = s.projects["one"]
	await(t, "lesson", s.learned) // of what project two was before
	for range 3 {
		if end, _ := s.execute(t, "two", homework+"\n1 / 0"); end.State != quire.Failed {
			t.Errorf("got %+v", end)
		}
	}
	want("two", look, "False False\none\n")

	// A server that has just begun reads it again.
	s.begin(t)
	want("one", look, "False False\none\n")
	await(t, "lesson", s.learned)
	want("one", look, "True False\none\n")
}

// TestNothingIsLearned of executions whose project does not want that, nor for them.
func TestNothingIsLearned(t *testing.T) {
	s := newSchool(t)
	for i := range 6 {
		job := blankJob(t, homework)
		if err := os.Rename(job.Dir, s.Path(job.ExecutionID)); err != nil {
			t.Fatal(err)
		}
		s.ended = append(s.ended, quire.Execution{ID: job.ExecutionID, ProjectID: "one", Terms: quire.Terms{NoLearning: i < 3}})
		s.backend.Ended(s.Path(job.ExecutionID), &quire.Finished{State: quire.Succeeded})
		await(t, "lesson", s.learned)
		if got := s.jobs.Learner.Lists(quire.Job{ProjectID: "one"}); (got != nil) != (i == 5) {
			t.Errorf("got %q after %d executions", got, i+1)
		}
		if i < 1 {
			await(t, "lesson", s.learned) // of what was before
		}
	}
	if got := s.jobs.Learner.Lists(quire.Job{ProjectID: "one", Terms: quire.Terms{NoLearning: true}}); got != nil {
		t.Errorf("got %q", got)
	}
}

// TestLearnerDoesNotTrustTheFolder that a notebook could write to.
func TestLearnerDoesNotTrustTheFolder(t *testing.T) {
	s := newSchool(t)
	var last quire.ExecutionID
	for range 3 {
		job := blankJob(t, homework)
		last = job.ExecutionID
		if err := os.Rename(job.Dir, s.Path(last)); err != nil {
			t.Fatal(err)
		}
		input := quire.Job{Dir: s.Path(last)}.InputPath()
		if err := os.Rename(input, input+".moved"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(input+".moved", input); err != nil {
			t.Fatal(err)
		}
		s.ended = append(s.ended, quire.Execution{ID: last, ProjectID: "one"})
		s.backend.Ended(s.Path(last), &quire.Finished{State: quire.Succeeded})
		await(t, "lesson", s.learned)
	}
	if diff := cmp.Diff(s.jobs.Learner.Lists(quire.Job{ProjectID: "one"}), [][]string(nil)); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

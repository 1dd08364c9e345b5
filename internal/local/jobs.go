package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"quire"
	"quire/internal/dispatch"
	"quire/jupyter"
)

// Projects finds the folder of a project's file.
type Projects interface {
	Dir(ctx context.Context, id quire.ProjectID, path string) (string, error)
}

// Executions finds an execution's folder.
type Executions interface {
	Path(id quire.ExecutionID) string
	JournalPath(id quire.ExecutionID) string
	Declared(ctx context.Context, id quire.ExecutionID) (*quire.EnvironmentDeclaration, error)
}

// Jobs makes the jobs that run on this machine, and knows its kernels.
type Jobs struct {
	Projects   Projects
	Executions Executions
	KernelPath []string // folders that hold kernelspecs
	Env        []string // of every kernel, see KernelEnv
	Host       *Host    // nil: executions are not kept apart

	Waiting      string   // folder in which executors note that they wait; empty: nowhere
	Environments string   // folder of the environments that projects declare
	DeclaredEnv  []string // of kernels in these: without the server's own Python on the PATH

	// Built returns the place of a declared environment that is built, without
	// waiting; env is its kernels' before it is activated. Nil: their kernels
	// are started cold.
	Built func(d quire.EnvironmentDeclaration, env []string) (Place, bool)

	// Warm returns where kernels of the interpreter are forked, or "" if they
	// are not: best with the first list of learned modules imported, or else with
	// the next. It does not wait. Nil: every kernel is started cold.
	Warm func(python string, env []string, learned ...[]string) (socket string)

	// Learner says what a project's notebooks import. Nil: nothing is learned.
	Learner *Learner
}

var _ dispatch.Jobs = (*Jobs)(nil)

// Job implements dispatch.Jobs.
func (j *Jobs) Job(ctx context.Context, e quire.Execution) (quire.Job, error) {
	workDir, err := j.Projects.Dir(ctx, e.ProjectID, e.Target.Notebook)
	if err != nil {
		return quire.Job{}, fmt.Errorf("find the notebook's folder: %w", err)
	}
	job := quire.Job{
		ExecutionID: e.ID, ProjectID: e.ProjectID, Attempt: e.Attempt + 1,
		Dir: j.Executions.Path(e.ID), WorkDir: workDir,
		Notebook: e.Target.Notebook, Cell: e.Target.Cell,
		KernelPath: j.KernelPath, Env: j.Env,
		Inputs: e.Inputs, OutputNames: e.OutputNames, Run: e.Run,
		Terms: e.Terms, RetryOf: e.RetryOf,
	}
	if job.Environment, err = j.Executions.Declared(ctx, e.ID); err != nil {
		return quire.Job{}, fmt.Errorf("find the declared environment: %w", err)
	}
	if job.Environment != nil {
		job.Kernel, job.Env, job.Environments = jupyter.DefaultKernel, j.DeclaredEnv, j.Environments
	}
	if j.Host != nil {
		job.Isolation = j.Host.Isolation(e.ID, job.Attempt, e.Terms.Spec)
	}
	job.Warm = j.warmKernel(job)
	if err := write(job); err != nil {
		return quire.Job{}, fmt.Errorf("write job: %w", err)
	}
	return job, nil
}

// JournalPath implements dispatch.Jobs.
func (j *Jobs) JournalPath(id quire.ExecutionID) string { return j.Executions.JournalPath(id) }

// Check returns nil if there is a kernelspec of that name, and otherwise an
// InvalidArgument error that lists those there are.
func (j *Jobs) Check(name string) error {
	_, err := jupyter.FindKernel(j.KernelPath, name)
	return err
}

// write puts the job into its folder. It needs no sync: after a crash of the
// machine it is written again.
func write(job quire.Job) error {
	data, err := json.Marshal(job)
	if err != nil {
		return err
	}
	next := job.JobPath() + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, job.JobPath()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

// KernelEnv picks from the server's environment what a kernel may see: where
// programs and the user's home are, language and time zone, and the variables
// named in extra. Nothing else of the server's reaches a notebook. A python
// that is not empty has its folder first on the PATH.
func KernelEnv(environ, extra []string, python string) []string {
	allowed := map[string]bool{}
	for _, name := range append([]string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"}, extra...) {
		allowed[name] = true
	}
	var env []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !allowed[name] && !strings.HasPrefix(name, "LC_") {
			continue
		}
		if name == "PATH" && python != "" {
			entry = "PATH=" + filepath.Dir(python) + string(os.PathListSeparator) + value
		}
		env = append(env, entry)
	}
	return env
}

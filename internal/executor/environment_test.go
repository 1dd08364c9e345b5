package executor_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quire"
	"quire/internal/pyenv"
	"quire/internal/runner"
	"quire/internal/testenv"
)

// declare gives the job an environment of what is required, in a store of its
// own with one package of ours beside those of the index.
func declare(t *testing.T, job *quire.Job, requirements ...string) {
	t.Helper()
	wheels := t.TempDir()
	testenv.Wheel(t, wheels, "quire_test_wheel", "1.0")
	dir := filepath.Join(t.TempDir(), "environments")
	_, err := pyenv.Create(dir, pyenv.Settings{
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
	job.Kernel, job.KernelPath, job.Environments = "python3", nil, dir
	job.Environment = &quire.EnvironmentDeclaration{Source: quire.RequirementsFile, Path: "requirements.txt", Requirements: requirements}
}

func progressOf(r result) (phases []quire.EnvironmentPhase) {
	for _, e := range r.events {
		if e.EnvironmentProgress != nil {
			phases = append(phases, e.EnvironmentProgress.Phase)
		}
	}
	return slices.Compact(phases)
}

// TestDeclaredEnvironment builds one with a real kernel, and runs in it twice.
func TestDeclaredEnvironment(t *testing.T) {
	job := newJob(t, "of-the-author", cell(
		"import os, shutil, subprocess, sys, importlib.util, quire_test_wheel\n"+
			"print(quire_test_wheel.__version__, importlib.util.find_spec('pandas'))\n"+
			"print(sys.prefix == os.environ['VIRTUAL_ENV'], shutil.which('python') == sys.prefix + '/bin/python')"))
	declare(t, &job, "quire-test-wheel==1.0")
	first := run(t, t.Context(), job, nil)
	if first.end.State != quire.Succeeded {
		t.Fatalf("got %+v", first.end.Failure)
	}
	if got := text(first.notebook.Cells[0]); got != "1.0 None\nTrue True\n" {
		t.Errorf("got %q", got)
	}
	phases := progressOf(first)
	if len(phases) < 3 || phases[0] != quire.EnvironmentResolving {
		t.Errorf("got the phases %v", phases)
	}
	lock, err := os.ReadFile(job.LockPath())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(lock), "quire-test-wheel==1.0 \\\n    --hash=sha256:") || !strings.Contains(string(lock), "\nipykernel==") {
		t.Errorf("got the lock %s", lock)
	}
	receipt := first.progress.Receipt
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(lock)); receipt == nil || receipt.Environment != want {
		t.Errorf("got the receipt %+v, want the environment %s", receipt, want)
	}

	again := newJob(t, "python3", cell("import quire_test_wheel"))
	again.Kernel, again.KernelPath, again.Environments, again.Environment = job.Kernel, nil, job.Environments, job.Environment
	second := run(t, t.Context(), again, nil)
	if second.end.State != quire.Succeeded || len(progressOf(second)) > 0 || second.progress.Receipt.Environment != receipt.Environment {
		t.Errorf("got %+v after %v", second.end, progressOf(second))
	}
}

func TestEnvironmentThatCannotBeMade(t *testing.T) {
	job := newJob(t, "python3", cell("1"))
	declare(t, &job, "quire-test-wheel==7.0")
	r := run(t, t.Context(), job, nil)
	if r.end.State != quire.Failed || r.end.Failure.Kind != quire.QuireFault || !strings.Contains(r.end.Failure.Message, "quire-test-wheel==7.0") {
		t.Errorf("got %+v", r.end.Failure)
	}
	if _, err := os.Stat(job.LockPath()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a lock: %v", err)
	}
}

func TestCancelWhileItsEnvironmentIsMade(t *testing.T) {
	job := newJob(t, "python3", cell("1"))
	declare(t, &job, "quire-test-wheel==1.0")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := run(t, ctx, job, func(e quire.Event) {
		if e.EnvironmentProgress != nil {
			cancel(&runner.Stop{Failure: quire.Failure{Kind: quire.Cancelled, Message: "enough"}})
		}
	})
	if r.end.State != quire.Aborted || r.end.Failure.Message != "enough" {
		t.Errorf("got %+v", r.end)
	}
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quire"
	"quire/internal/executor"
	"quire/internal/runner"
	"quire/jupyter"
	"quire/nbformat"
)

// runOptions are the flags of `quire run`.
type runOptions struct {
	variables
	out                  string
	json                 bool
	timeout, cellTimeout time.Duration
	kernel, cell, python string
	html                 string
	hideCode             bool
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run NOTEBOOK",
		Short: "Run one notebook here, with no server",
		Long: "Runs one notebook on this machine, with no server. Its working directory is the\n" +
			"notebook's folder. The executed notebook is written beside you, to\n" +
			"NAME-executed.ipynb or to what -o names, also when the notebook failed; the\n" +
			"notebook itself is never changed. Output variables are printed to standard output.\n\n" +
			inputsHelp + "\n\n" +
			"Ctrl-C interrupts the notebook and keeps what it has done; a second one quits at\n" +
			"once. Exit status: 0 the notebook ran to its end, 1 it failed or was stopped by a\n" +
			"limit, 2 it could not be begun, 130 it was interrupted.",
		Example: "  quire run report.ipynb\n" +
			"  quire run report.ipynb -v year=2026 -v region=north --output-variable total -o out.ipynb\n" +
			"  quire run report.ipynb --timeout 10m --json\n" +
			"  quire run report.ipynb --html report.html --hide-code",
		Args:              arguments("NOTEBOOK"),
		ValidArgsFunction: notebooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), args[0], o)
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "`file` for the executed notebook (default: NAME-executed.ipynb in the current folder)")
	f.BoolVar(&o.json, "json", false, "print how it ended as JSON, output variables included")
	f.DurationVar(&o.timeout, "timeout", 0, "limit for the whole run, such as 10m (default: none)")
	f.DurationVar(&o.cellTimeout, "cell-timeout", 0, "limit for each cell, such as 30s (default: none)")
	f.StringVar(&o.kernel, "kernel", "", "`name` of the kernel (default: the one that the notebook names)")
	f.StringVar(&o.cell, "cell", "", "`id` of the one cell to run (default: all)")
	f.StringVar(&o.python, "python", "", "Python `interpreter` whose environment holds the kernel (default: the active environment's, or python3)")
	f.StringVar(&o.html, "html", "", "`file` for a report of the executed notebook, one page of HTML")
	f.BoolVar(&o.hideCode, "hide-code", false, hideCodeHelp)
	completeFiles(cmd, "output", "python", "html")
	return cmd
}

func (a *app) run(ctx context.Context, path string, o runOptions) error {
	inputs, err := o.inputs()
	if err != nil {
		return err
	}
	if o.timeout < 0 || o.cellTimeout < 0 {
		return misuse("a limit of time must be positive, such as 10m")
	}
	data, nb, err := readNotebook(path, o.cell)
	if err != nil {
		return err
	}
	if o.out, err = outputPath(path, o.out); err != nil {
		return err
	}
	if err := reportPath(o.html); err != nil {
		return err
	}
	job := quire.Job{
		Attempt: 1, Notebook: filepath.Base(path), Cell: o.cell, Kernel: o.kernel,
		Inputs: inputs, OutputNames: o.outputs,
		Run: quire.RunSettings{CellTimeout: o.cellTimeout, RunTimeout: o.timeout}.Or(quire.DefaultRunSettings()),
		Env: kernelEnv(os.Environ()),
	}
	if job.KernelPath, err = kernelPath(ctx, job.Env, o.python); err != nil {
		return err
	}
	if err := checkKernel(job.KernelPath, cmp.Or(o.kernel, nb.KernelName(), jupyter.DefaultKernel)); err != nil {
		return err
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("find folder of notebook: %w", err)
	}
	job.WorkDir = folder
	return a.runJob(ctx, job, data, nb, o)
}

// runJob runs the job in a folder made for it, and takes the executed notebook
// from there.
func (a *app) runJob(ctx context.Context, job quire.Job, data []byte, nb *nbformat.Notebook, o runOptions) error {
	var err error
	if job.Dir, err = os.MkdirTemp("", "quire-run-"); err != nil {
		return fmt.Errorf("make folder for the run: %w", err)
	}
	defer os.RemoveAll(job.Dir) //nolint:errcheck // the system clears its temporary folder
	if err := os.WriteFile(job.InputPath(), data, 0o600); err != nil {
		return fmt.Errorf("copy notebook: %w", err)
	}
	reap, err := executor.Adopt(slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("prepare to run: %w", err)
	}
	var signalled *interruption // read after the release, which waits
	ctx, release := interruptible(ctx, func(i *interruption) error {
		signalled = i
		return &runner.Stop{Failure: quire.Failure{Kind: quire.Cancelled, Message: "interrupted"}}
	})
	sources := &localSources{notebook: nb}
	view := newView(a.stderr, sources)
	result := newResult(job.Notebook, o.out)
	end, err := executor.Run(ctx, job, &executor.Options{Reap: reap, Observe: func(e quire.Event) {
		sources.observe(e)
		view.observe(e)
		result.progress.Apply(e)
	}})
	view.close()
	release()
	if err != nil {
		return err
	}
	if err := saveNotebook(job.NotebookPath(), o.out); err != nil {
		return err
	}
	view.note("executed notebook: " + o.out)
	if o.html != "" {
		if err := saveReport(job.NotebookPath(), job.Notebook, o.html, o.hideCode); err != nil {
			return err
		}
		view.note("report: " + o.html)
	}
	if err := a.printResult(result, o.json); err != nil {
		return err
	}
	return ending(end, signalled)
}

// ending returns the error that a notebook's end means for the exit status.
func ending(end quire.Finished, signalled *interruption) error {
	switch {
	case end.State == quire.Succeeded:
		return nil
	case signalled != nil && end.State == quire.Aborted:
		return &exitError{signalled.status(), "interrupted"}
	}
	return &exitError{statusFailed, failureText(end.Failure)}
}

// readNotebook reads a notebook that can be run.
func readNotebook(path, cell string) ([]byte, *nbformat.Notebook, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, misuse("%s cannot be opened: %v", path, errors.Unwrap(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, nbformat.MaxBytes+1)) // one more for Parse to refuse
	if err != nil {
		return nil, nil, misuse("%s cannot be read: %v", path, errors.Unwrap(err))
	}
	nb, err := nbformat.Parse(data)
	if err != nil {
		return nil, nil, misuse("%s is not a notebook that can be run: %v", path, err)
	}
	if nb.CodeCells() == 0 {
		return nil, nil, misuse("%s has no code cells: there is nothing to run", path)
	}
	if cell != "" {
		if i, ok := nb.CellByID(cell); !ok || nb.Cells[i].Type != nbformat.Code {
			return nil, nil, misuse("%s has no code cell with the id %q", path, cell)
		}
	}
	return data, nb, nil
}

// outputPath returns where the executed notebook goes, in a folder that is
// there, and never over the notebook itself.
func outputPath(notebook, out string) (string, error) {
	if out == "" {
		name := filepath.Base(notebook)
		out = strings.TrimSuffix(name, filepath.Ext(name)) + "-executed.ipynb"
	}
	if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
		return "", misuse("-o %s: there is no such folder", out)
	}
	there, err := os.Stat(out)
	if err != nil {
		return out, nil
	}
	if own, err := os.Stat(notebook); err == nil && os.SameFile(own, there) {
		return "", misuse("-o %s would overwrite the notebook itself; name another file", out)
	}
	if there.IsDir() {
		return "", misuse("-o %s is a folder; name a file", out)
	}
	return out, nil
}

// kernelEnv returns what a kernel may see of the environment: all but the
// token, with which a notebook could act in its user's name.
func kernelEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, tokenVariable+"=") })
}

func checkKernel(path []string, name string) error {
	_, err := jupyter.FindKernel(path, name)
	if e, ok := errors.AsType[*quire.Error](err); ok {
		return misuse("%s; install it, for Python with python -m pip install ipykernel, or choose with --kernel or --python", e.Message)
	}
	return err
}

// saveNotebook copies the executed notebook to its place, whole or not at all.
func saveNotebook(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("save executed notebook: %w", err)
	}
	defer in.Close()
	if err := writeFile(to, func(w io.Writer) error { _, err := io.Copy(w, in); return err }); err != nil {
		return fmt.Errorf("save executed notebook: %w", err)
	}
	return nil
}

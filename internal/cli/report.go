package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/report"
	"quire/nbformat"
)

const hideCodeHelp = "leave the code out of the report"

func (a *app) executionHTML(r *remote) *cobra.Command {
	var to string
	var hide bool
	cmd := &cobra.Command{
		Use:   "html EXECUTION",
		Short: "Fetch the executed notebook as one page of HTML",
		Long: "Fetches the executed notebook as one page of HTML that needs no other file and\n" +
			"runs no script, so that it can be mailed.",
		Example: "  quire execution html ID > report.html\n" +
			"  quire execution html ID --hide-code -O report.html",
		Args: arguments("EXECUTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				e, err := c.executions.Get(ctx, &quirev1.GetExecutionRequest{ExecutionId: args[0]})
				if err != nil {
					return err
				}
				nb, err := c.notebook(ctx, args[0])
				if err != nil {
					return err
				}
				write := func(w io.Writer) error {
					return report.Write(w, nb, &report.Options{Title: e.GetNotebook(), HideCode: hide})
				}
				if to == "" {
					return write(a.stdout)
				}
				return writeFile(to, write)
			})
		},
	}
	cmd.Flags().StringVarP(&to, "output-file", "O", "", "`file` to write it to (default: standard output)")
	cmd.Flags().BoolVar(&hide, "hide-code", false, hideCodeHelp)
	completeFiles(cmd, "output-file")
	return cmd
}

// saveReport writes the report of the executed notebook at executed to a file.
func saveReport(executed, title, to string, hideCode bool) error {
	f, err := os.Open(executed)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer f.Close()
	nb, err := nbformat.Read(f)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return writeFile(to, func(w io.Writer) error {
		return report.Write(w, nb, &report.Options{Title: title, HideCode: hideCode})
	})
}

// reportPath checks where a report is to go: into a folder that is there.
func reportPath(to string) error {
	if to == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(to)); err != nil || !info.IsDir() {
		return misuse("--html %s: there is no such folder", to)
	}
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		return misuse("--html %s is a folder; name a file", to)
	}
	return nil
}

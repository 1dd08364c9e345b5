package cli

import "github.com/spf13/cobra"

// executorCommand is what the server starts for each execution.
func (a *app) executorCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "executor DIR",
		Short:   "Run the job in a folder; the server calls this",
		Example: "  quire executor ./quire-data/executions/ID",
		Hidden:  true,
		Args:    arguments("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.Executor(cmd.Context(), args[0])
		},
	}
}

package cli

import "github.com/spf13/cobra"

// executorCommand is what the server starts for each execution.
func (a *app) executorCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     "executor DIR",
		Short:   "Run the job in a folder; the server calls this",
		Example: "  quire executor ./quire-data/executions/ID",
		Hidden:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if wait {
				return arguments()(cmd, args)
			}
			return arguments("DIR")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if wait {
				return a.Wait(cmd.Context())
			}
			return a.Executor(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "start a kernel and wait for a job on descriptor 3")
	return cmd
}

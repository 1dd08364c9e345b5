package cli

import "github.com/spf13/cobra"

// completeFiles lets the shell complete the flags' values with files.
func completeFiles(cmd *cobra.Command, flags ...string) {
	complete(cmd, cobra.ShellCompDirectiveDefault, flags)
}

// completeFolders lets the shell complete the flags' values with folders.
func completeFolders(cmd *cobra.Command, flags ...string) {
	complete(cmd, cobra.ShellCompDirectiveFilterDirs, flags)
}

func complete(cmd *cobra.Command, how cobra.ShellCompDirective, flags []string) {
	for _, name := range flags {
		completeWith(cmd, name, cobra.FixedCompletions(nil, how))
	}
}

func completeWith(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the command has no such flag
	}
}

// notebooks completes the first argument with notebooks.
func notebooks(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"ipynb"}, cobra.ShellCompDirectiveFilterFileExt
}

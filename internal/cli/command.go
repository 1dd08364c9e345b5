package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// arguments takes exactly the named arguments; a last one in brackets may be
// left out.
func arguments(names ...string) cobra.PositionalArgs {
	least := len(names)
	if least > 0 && strings.HasPrefix(names[least-1], "[") {
		least--
	}
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return misuse("%s is missing", names[len(args)])
		case len(args) > len(names):
			return misuse("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// group makes cmd the parent of commands: alone it does nothing.
func group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(children...)
	names := make([]string, len(children))
	for i, child := range children {
		names[i] = child.Name()
	}
	known := strings.Join(names, ", ")
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return misuse("a command is missing: %s", known)
	}
	return cmd
}

// unknownCommand returns the error of a parent whose child of that name is not
// there.
func unknownCommand(parent *cobra.Command, name string) error {
	parent.SuggestionsMinimumDistance = 2 // as cobra's own
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		return misuse("there is no command %q; did you mean %s?", name, strings.Join(near, " or "))
	}
	return misuse("there is no command %q; %s --help lists them", name, parent.CommandPath())
}

// describeBuiltins gives cobra's own commands what every command has.
func describeBuiltins(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  quire help run"
		case "completion":
			cmd.Example = "  source <(quire completion bash)"
			for _, shell := range cmd.Commands() {
				shell.Example = "  quire completion " + shell.Name()
			}
		}
	}
}

package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"quire/internal/cli"
)

func TestEveryCommandHasAnExample(t *testing.T) {
	seen := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		seen++
		if !strings.Contains(cmd.Example, cmd.CommandPath()) && cmd.HasParent() {
			t.Errorf("%s: the example %q does not show it", cmd.CommandPath(), cmd.Example)
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short description %q, want one without a full stop", cmd.CommandPath(), cmd.Short)
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			if len([]rune(line)) > 100 {
				t.Errorf("%s: a line of the help is %d wide: %s", cmd.CommandPath(), len([]rune(line)), line)
			}
		}
		for _, child := range cmd.Commands() {
			// Those of cobra's own making have texts of their own.
			if cmd.Name() != "completion" {
				walk(child)
			}
		}
	}
	walk(cli.Root())
	if seen < 30 {
		t.Errorf("saw %d commands, want all of them", seen)
	}
}

func TestEveryResultCanBeJSON(t *testing.T) {
	for _, path := range []string{
		"project create", "project list", "project get", "project update", "project delete",
		"files put", "files list", "execute", "execution list", "execution get", "execution watch",
		"execution cancel", "operation get", "operation wait", "operation cancel", "token create", "token list", "version",
	} {
		cmd, _, err := cli.Root().Find(strings.Fields(path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		flag := cmd.Flag("output")
		if flag == nil || flag.Shorthand != "o" || flag.Value.Set("json") != nil || flag.Value.Set("yaml") == nil {
			t.Errorf("%s: got no -o that takes json and refuses yaml", path)
		}
	}
}

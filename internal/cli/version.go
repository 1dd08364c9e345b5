package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	var format output
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  quire version -o json",
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if format == asJSON {
				return a.printValue(struct {
					Version  string `json:"version"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{a.Version, runtime.Version(), platform})
			}
			_, err := fmt.Fprintf(a.stdout, "quire %s (%s, %s)\n", a.Version, runtime.Version(), platform)
			return err
		},
	}
	format.flag(cmd)
	return cmd
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

func (a *app) envCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:   "env",
		Short: "Look after the Python environments of a server",
		Long: "Looks after the Python environments that a server keeps. A notebook gets the one that its\n" +
			"project declares without being asked, by the nearest folder up from it that has a\n" +
			"requirements.txt, a uv.lock or an environment.yml, or by a script block in its first cell.\n\n" + remoteHelp,
		Example: "  quire env build --project P report.ipynb\n  quire env list",
	}, a.envList(&r, &format), a.envBuild(&r, &format), a.envInspect(&r, &format), a.envRemove(&r))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) envList(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the environments, the one that was used last first",
		Example: "  quire env list -o json",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				list, err := c.environments.List(ctx, &quirev1.ListEnvironmentsRequest{})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(list)
				}
				rows := make([][]string, len(list.GetEnvironments()))
				for i, e := range list.GetEnvironments() {
					used := moment(e.GetUsedAt())
					if e.GetInUse() {
						used = "now"
					}
					rows[i] = []string{
						shortDigest(e.GetDigest()), e.GetPython(), strconv.Itoa(int(e.GetPackageCount())),
						megabytes(e.GetBytes()), e.GetSource(), used,
					}
				}
				return a.printTable([]string{"DIGEST", "PYTHON", "PACKAGES", "SIZE", "SOURCE", "USED"}, rows)
			})
		},
	}
}

// shortDigest is enough of a digest to name its environment by.
func shortDigest(digest string) string { return digest[:min(len(digest), 12)] }

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+500_000)/1_000_000) }

func (a *app) envBuild(r *remote, format *output) *cobra.Command {
	var project string
	var refresh bool
	cmd := &cobra.Command{
		Use:   "build --project PROJECT NOTEBOOK",
		Short: "Make the environment of a notebook ahead of time",
		Long: "Makes the Python environment that a project declares for one of its notebooks, if it is\n" +
			"not there yet, and prints its digest. What a declaration was resolved to once is kept;\n" +
			"--refresh resolves it anew.",
		Example: "  quire env build --project P report.ipynb\n" +
			"  quire env build --project P report.ipynb --refresh",
		Args: arguments("NOTEBOOK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request := &quirev1.BuildEnvironmentRequest{ProjectId: project, Notebook: args[0], Refresh: refresh}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				e, err := a.buildEnvironment(ctx, c, request)
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(e)
				}
				return a.printLine(e.GetDigest())
			})
		},
	}
	projectFlag(cmd, r, &project)
	cmd.Flags().BoolVar(&refresh, "refresh", false, "resolve the declaration anew, to the newest packages that fit it")
	return cmd
}

// buildEnvironment shows how far the build is and returns what was built.
func (a *app) buildEnvironment(ctx context.Context, c *client, request *quirev1.BuildEnvironmentRequest) (*quirev1.Environment, error) {
	stream, err := c.environments.WatchBuild(ctx, request)
	if err != nil {
		return nil, err
	}
	v := newView(a.stderr, nil)
	defer v.close()
	for {
		message, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("the server has ended the build and sent no environment")
		case err != nil:
			return nil, err
		case message.GetEnvironment() != nil:
			return message.GetEnvironment(), nil
		}
		p := message.GetProgress()
		v.observe(quire.Event{Time: time.Now(), EnvironmentProgress: &quire.EnvironmentProgress{
			Phase: quire.EnvironmentPhase(p.GetPhase()), Package: p.GetPackage(), Done: p.GetDone(), Total: p.GetTotal(),
		}})
	}
}

func (a *app) envInspect(r *remote, format *output) *cobra.Command {
	var lock bool
	cmd := &cobra.Command{
		Use:     "inspect DIGEST",
		Short:   "Print what an environment holds",
		Long:    "Prints what an environment holds. DIGEST may be its start, of eight characters at least.",
		Example: "  quire env inspect 3f2a9c0d41be\n  quire env inspect 3f2a9c0d41be --lock > requirements.txt",
		Args:    arguments("DIGEST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				e, err := c.environments.Get(ctx, &quirev1.GetEnvironmentRequest{Digest: args[0]})
				if err != nil {
					return err
				}
				switch {
				case *format == asJSON:
					return a.printMessage(e)
				case lock:
					_, err := io.WriteString(a.stdout, plain(e.GetLock()))
					return err
				}
				return a.printEnvironment(e)
			})
		},
	}
	cmd.Flags().BoolVar(&lock, "lock", false, "print the lock, in the form of a requirements.txt")
	return cmd
}

func (a *app) printEnvironment(e *quirev1.Environment) error {
	inUse := "no"
	if e.GetInUse() {
		inUse = "yes"
	}
	err := a.printFields([][2]string{
		{"digest", e.GetDigest()},
		{"python", e.GetPython()},
		{"platform", e.GetPlatform()},
		{"declared in", e.GetSource()},
		{"created", moment(e.GetCreatedAt())},
		{"used", moment(e.GetUsedAt())},
		{"in use", inUse},
		{"size", megabytes(e.GetBytes())},
		{"added", strings.Join(e.GetAdded(), ", ")},
		{"packages", strconv.Itoa(int(e.GetPackageCount()))},
	})
	if err != nil {
		return err
	}
	for _, p := range e.GetPackages() {
		if err := a.printLine("  " + p.GetName() + "==" + p.GetVersion()); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) envRemove(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "rm DIGEST",
		Short:   "Remove an environment that no execution uses",
		Long:    "Removes an environment that no execution uses. It is made again, from the same lock, when\nit is needed.",
		Example: "  quire env rm 3f2a9c0d41be",
		Args:    arguments("DIGEST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				_, err := c.environments.Delete(ctx, &quirev1.DeleteEnvironmentRequest{Digest: args[0]})
				return err
			})
		},
	}
}

package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

func (a *app) projectCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:     "project",
		Short:   "Keep the projects of a server",
		Long:    "Keeps the projects of a server: folders of files with settings for their notebooks.\n\n" + remoteHelp,
		Example: "  quire project create sales\n  quire project list",
	}, a.projectCreate(&r, &format), a.projectList(&r, &format), a.projectGet(&r, &format), a.projectUpdate(&r, &format), a.projectDelete(&r, &format))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

// projectFlag adds the flag --project, without which the command is nothing.
func projectFlag(cmd *cobra.Command, r *remote, project *string) {
	cmd.Flags().StringVar(project, "project", "", "`id` of the project")
	if err := cmd.MarkFlagRequired("project"); err != nil {
		panic(err) // the flag was added above
	}
	completeWith(cmd, "project", completeProjects(r))
}

// completeProjects offers the server's projects to the shell.
func completeProjects(r *remote) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		err := r.call(cmd.Context(), func(ctx context.Context, c *client) error {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // a shell waits for this
			defer cancel()
			page, err := c.projects.List(ctx, &datasphere.ListProjectsRequest{CommunityId: string(quire.DefaultCommunity), PageSize: quire.DefaultPageSize})
			for _, p := range page.GetProjects() {
				ids = append(ids, p.GetId()+"\t"+printable(p.GetName()))
			}
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

// projectOptions are what a project is created with and updated to.
type projectOptions struct {
	policyOptions
	name, description, spec string
	labels                  map[string]string
	cellTimeout, runTimeout time.Duration
}

func (o *projectOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.description, "description", "", "`text` about the project")
	f.StringToStringVar(&o.labels, "label", nil, "label, `name=value`; may be repeated")
	f.StringVar(&o.spec, "spec", "", "`name` of the machine for notebooks that ask for none, such as c1.8")
	f.DurationVar(&o.cellTimeout, "cell-timeout", 0, "limit for each cell, such as 10m; -1s for none, 0 for the server's")
	f.DurationVar(&o.runTimeout, "run-timeout", 0, "limit for a whole run, such as 6h; -1s for none, 0 for the server's")
	o.policyOptions.flags(cmd)
}

// save sets what the command names and DataSphere's API has no field for.
func (o *projectOptions) save(ctx context.Context, cmd *cobra.Command, c *client, project string) error {
	if err := o.saveTimeouts(ctx, cmd, c, project); err != nil {
		return err
	}
	return o.savePolicy(ctx, cmd, c, project)
}

// saveTimeouts sets the limits that the command names.
func (o *projectOptions) saveTimeouts(ctx context.Context, cmd *cobra.Command, c *client, project string) error {
	request := &quirev1.UpdateRunSettingsRequest{ProjectId: project, RunSettings: &quirev1.RunSettings{}, UpdateMask: &fieldmaskpb.FieldMask{}}
	if cmd.Flags().Changed("cell-timeout") {
		request.UpdateMask.Paths = append(request.UpdateMask.Paths, "cell_timeout")
		request.RunSettings.CellTimeout = limitOf(o.cellTimeout)
	}
	if cmd.Flags().Changed("run-timeout") {
		request.UpdateMask.Paths = append(request.UpdateMask.Paths, "run_timeout")
		request.RunSettings.RunTimeout = limitOf(o.runTimeout)
	}
	if len(request.UpdateMask.Paths) == 0 {
		return nil
	}
	_, err := c.settings.Update(ctx, request)
	return err
}

func limitOf(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func (a *app) projectCreate(r *remote, format *output) *cobra.Command {
	var o projectOptions
	var community string
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create a project and print its id",
		Example: "  quire project create sales --spec c1.8 --label team=north --run-timeout 2h",
		Args:    arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := o.balance(); err != nil {
				return err
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				op, err := c.projects.Create(ctx, &datasphere.CreateProjectRequest{
					CommunityId: community, Name: args[0], Description: o.description, Labels: o.labels,
					Settings: &datasphere.Project_Settings{DefaultDedicatedSpec: o.spec},
				})
				if op, err = c.settled(ctx, op, err); err != nil {
					return err
				}
				var p datasphere.Project
				if err := op.GetResponse().UnmarshalTo(&p); err != nil {
					return fmt.Errorf("read created project: %w", err)
				}
				if err := o.save(ctx, cmd, c, p.GetId()); err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(&p)
				}
				return a.printLine(p.GetId())
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&community, "community", string(quire.DefaultCommunity), "`id` of the community that it belongs to")
	return cmd
}

func (a *app) projectList(r *remote, format *output) *cobra.Command {
	var community, name string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List projects",
		Example: "  quire project list --name sales",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := &datasphere.ListProjectsRequest{CommunityId: community, ProjectNamePattern: name, PageSize: quire.MaxPageSize}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				projects, err := pages(0, func(token string) ([]*datasphere.Project, string, error) {
					request.PageToken = token
					page, err := c.projects.List(ctx, request)
					return page.GetProjects(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(&datasphere.ListProjectsResponse{Projects: projects})
				}
				rows := make([][]string, len(projects))
				for i, p := range projects {
					rows[i] = []string{p.GetId(), p.GetName(), moment(p.GetCreatedAt()), p.GetDescription()}
				}
				return a.printTable([]string{"ID", "NAME", "CREATED", "DESCRIPTION"}, rows)
			})
		},
	}
	cmd.Flags().StringVar(&community, "community", string(quire.DefaultCommunity), "`id` of the community")
	cmd.Flags().StringVar(&name, "name", "", "only projects whose name contains this `text`")
	return cmd
}

func (a *app) projectGet(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:               "get PROJECT",
		Short:             "Print a project",
		Example:           "  quire project get P -o json",
		Args:              arguments("PROJECT"),
		ValidArgsFunction: completeProjects(r),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				p, err := c.projects.Get(ctx, &datasphere.GetProjectRequest{ProjectId: args[0]})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(p)
				}
				settings, err := c.settings.Get(ctx, &quirev1.GetRunSettingsRequest{ProjectId: args[0]})
				if err != nil {
					return err
				}
				policy, err := c.policyFields(ctx, args[0])
				if err != nil {
					return err
				}
				return a.printProject(p, settings, policy)
			})
		},
	}
}

func (a *app) printProject(p *datasphere.Project, s *quirev1.RunSettings, policy [][2]string) error {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(p.GetLabels())) {
		labels = append(labels, name+"="+p.GetLabels()[name])
	}
	return a.printFields(append([][2]string{
		{"id", p.GetId()},
		{"name", p.GetName()},
		{"description", p.GetDescription()},
		{"labels", strings.Join(labels, ", ")},
		{"community", p.GetCommunityId()},
		{"created", moment(p.GetCreatedAt())},
		{"created by", p.GetCreatedById()},
		{"spec", p.GetSettings().GetDefaultDedicatedSpec()},
		{"cell timeout", limitText(s.GetCellTimeout())},
		{"run timeout", limitText(s.GetRunTimeout())},
	}, policy...))
}

func limitText(d *durationpb.Duration) string {
	switch {
	case d == nil:
		return ""
	case d.AsDuration() < 0:
		return "none"
	}
	return d.AsDuration().String()
}

func (a *app) projectUpdate(r *remote, format *output) *cobra.Command {
	var o projectOptions
	cmd := &cobra.Command{
		Use:               "update PROJECT",
		Short:             "Change a project: what the flags name, and nothing else",
		Example:           "  quire project update P --name revenue --cell-timeout 10m",
		Args:              arguments("PROJECT"),
		ValidArgsFunction: completeProjects(r),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !anyChanged(cmd, "name", "description", "label", "spec", "cell-timeout", "run-timeout") && !o.policyOptions.changed(cmd) {
				return misuse("nothing to change: name it by a flag, such as --name")
			}
			if _, err := o.balance(); err != nil {
				return err
			}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				return a.updateProject(ctx, cmd, c, args[0], o, *format)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.name, "name", "", "`name` of the project")
	return cmd
}

func anyChanged(cmd *cobra.Command, flags ...string) bool {
	return slices.ContainsFunc(flags, func(name string) bool { return cmd.Flags().Changed(name) })
}

func (a *app) updateProject(ctx context.Context, cmd *cobra.Command, c *client, id string, o projectOptions, format output) error {
	request := &datasphere.UpdateProjectRequest{
		ProjectId: id, Name: o.name, Description: o.description, Labels: o.labels,
		Settings:   &datasphere.Project_Settings{DefaultDedicatedSpec: o.spec},
		UpdateMask: &fieldmaskpb.FieldMask{},
	}
	for _, f := range [][2]string{
		{"name", "name"}, {"description", "description"}, {"label", "labels"}, {"spec", "settings.default_dedicated_spec"},
	} {
		if cmd.Flags().Changed(f[0]) {
			request.UpdateMask.Paths = append(request.UpdateMask.Paths, f[1])
		}
	}
	if len(request.UpdateMask.Paths) > 0 {
		op, err := c.projects.Update(ctx, request)
		if _, err = c.settled(ctx, op, err); err != nil {
			return err
		}
	}
	if err := o.save(ctx, cmd, c, id); err != nil || format != asJSON {
		return err
	}
	p, err := c.projects.Get(ctx, &datasphere.GetProjectRequest{ProjectId: id})
	if err != nil {
		return err
	}
	return a.printMessage(p)
}

func (a *app) projectDelete(r *remote, format *output) *cobra.Command {
	return &cobra.Command{
		Use:               "delete PROJECT",
		Short:             "Delete a project with its files and executions",
		Example:           "  quire project delete P",
		Args:              arguments("PROJECT"),
		ValidArgsFunction: completeProjects(r),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				op, err := c.projects.Delete(ctx, &datasphere.DeleteProjectRequest{ProjectId: args[0]})
				if op, err = c.settled(ctx, op, err); err != nil || *format != asJSON {
					return err
				}
				return a.printMessage(op)
			})
		},
	}
}

package cli

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/metadata"

	quirev1 "quire/internal/gen/quire/v1"
)

func (a *app) webhookCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:     "webhook",
		Short:   "Let a server tell other programs of executions",
		Long:    "Lets a server tell other programs when executions start and end.\n\n" + remoteHelp,
		Example: "  quire webhook create --project P https://example.org/hook --event failure\n  quire webhook deliveries ID",
	}, a.webhookCreate(&r, &format), a.webhookList(&r, &format), a.webhookDeliveries(&r, &format), a.webhookDelete(&r))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) webhookCreate(r *remote, format *output) *cobra.Command {
	var project, secretFile string
	var events []string
	var slack bool
	w := &quirev1.Webhook{}
	cmd := &cobra.Command{
		Use:   "create --project PROJECT URL",
		Short: "Create a webhook, and print its id and its secret",
		Long: "Creates a webhook, and prints its id and its secret, which is shown this once. The\n" +
			"secret signs what is sent.",
		Example: "  quire webhook create --project P https://example.org/hook --event failure --slack",
		Args:    arguments("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range events {
				n, ok := quirev1.NoticeEvent_value[strings.ToUpper(name)]
				if !ok || n == 0 {
					return misuse("--event %q must be start, success, failure or finish", name)
				}
				w.Events = append(w.Events, quirev1.NoticeEvent(n))
			}
			if slack {
				w.Format = quirev1.NoticeFormat_SLACK
			}
			if secretFile != "" {
				secret, err := readToken("--secret-file", secretFile)
				if err != nil {
					return err
				}
				w.Secret = secret
			}
			w.Url = args[0]
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", uuid.NewString())
				made, err := c.webhooks.Create(ctx, &quirev1.CreateWebhookRequest{ProjectId: project, Webhook: w})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(made)
				}
				return a.printFields([][2]string{{"id", made.GetId()}, {"secret", made.GetSecret()}})
			})
		},
	}
	projectFlag(cmd, r, &project)
	f := cmd.Flags()
	f.StringArrayVar(&events, "event", nil, "`name` of an event: start, success, failure or finish; may be repeated (default: finish)")
	f.BoolVar(&slack, "slack", false, "send what Slack takes")
	f.StringVar(&secretFile, "secret-file", "", "`file` that holds the secret (default: a new one)")
	f.StringVar(&w.ExecutionId, "execution", "", "only of this execution, by its `id`")
	f.StringVar(&w.ScheduleId, "schedule", "", "only of this schedule's executions, by its `id`")
	f.StringVar(&w.SweepId, "sweep", "", "only of this sweep's executions, by its `id`")
	completeFiles(cmd, "secret-file")
	return cmd
}

func (a *app) webhookList(r *remote, format *output) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:     "list --project PROJECT",
		Short:   "List a project's webhooks, oldest first",
		Example: "  quire webhook list --project P",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				found, err := pages(0, func(token string) ([]*quirev1.Webhook, string, error) {
					page, err := c.webhooks.List(ctx, &quirev1.ListWebhooksRequest{
						ProjectId: project, PageSize: int32(pageSize(0)), PageToken: token, //nolint:gosec // at most quire.MaxPageSize
					})
					return page.GetWebhooks(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(&quirev1.ListWebhooksResponse{Webhooks: found})
				}
				rows := make([][]string, len(found))
				for i, w := range found {
					var events []string
					for _, e := range w.GetEvents() {
						events = append(events, e.String())
					}
					rows[i] = []string{w.GetId(), strings.Join(events, ","), w.GetFormat().String(), moment(w.GetCreatedAt()), w.GetUrl()}
				}
				return a.printTable([]string{"ID", "EVENTS", "FORMAT", "CREATED", "URL"}, rows)
			})
		},
	}
	projectFlag(cmd, r, &project)
	return cmd
}

func (a *app) webhookDeliveries(r *remote, format *output) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "deliveries WEBHOOK",
		Short:   "List what was and is to be sent to a webhook, newest first",
		Example: "  quire webhook deliveries ID --limit 20",
		Args:    arguments("WEBHOOK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				found, err := pages(limit, func(token string) ([]*quirev1.Delivery, string, error) {
					page, err := c.webhooks.ListDeliveries(ctx, &quirev1.ListDeliveriesRequest{
						WebhookId: args[0], PageSize: int32(pageSize(limit)), PageToken: token, //nolint:gosec // at most quire.MaxPageSize
					})
					return page.GetDeliveries(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(&quirev1.ListDeliveriesResponse{Deliveries: found})
				}
				rows := make([][]string, len(found))
				for i, d := range found {
					rows[i] = []string{
						d.GetId(), d.GetEvent().String(), d.GetState().String(), number(d.GetTries()), number(d.GetStatus()), moment(d.GetNext()), d.GetExecutionId(), d.GetMessage(),
					}
				}
				return a.printTable([]string{"ID", "EVENT", "STATE", "TRIES", "STATUS", "NEXT", "EXECUTION", "MESSAGE"}, rows)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many (default: all)")
	return cmd
}

func (a *app) webhookDelete(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "delete WEBHOOK",
		Short:   "Delete a webhook and what is on its way to it",
		Example: "  quire webhook delete ID",
		Args:    arguments("WEBHOOK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				_, err := c.webhooks.Delete(ctx, &quirev1.DeleteWebhookRequest{WebhookId: args[0]})
				return err
			})
		},
	}
}

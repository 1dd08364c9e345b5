package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// webhooks is Quire's WebhookService.
type webhooks struct {
	quirev1.UnimplementedWebhookServiceServer
	service *service.Service
}

func (w *webhooks) Create(ctx context.Context, req *quirev1.CreateWebhookRequest) (*quirev1.Webhook, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	hook, err := webhookOf(req.GetWebhook())
	if err != nil {
		return nil, err
	}
	hook.ProjectID = quire.ProjectID(req.GetProjectId())
	if hook, err = w.service.CreateWebhook(ctx, call, hook); err != nil {
		return nil, err
	}
	return webhookProto(hook), nil
}

func (w *webhooks) Get(ctx context.Context, req *quirev1.GetWebhookRequest) (*quirev1.Webhook, error) {
	hook, err := w.service.Webhook(ctx, quire.WebhookID(req.GetWebhookId()))
	if err != nil {
		return nil, err
	}
	return webhookProto(hook), nil
}

func (w *webhooks) List(ctx context.Context, req *quirev1.ListWebhooksRequest) (*quirev1.ListWebhooksResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := w.service.Webhooks(ctx, quire.WebhookFilter{ProjectID: quire.ProjectID(req.GetProjectId()), Page: page})
	if err != nil {
		return nil, err
	}
	return &quirev1.ListWebhooksResponse{Webhooks: mapped(found, webhookProto), NextPageToken: next}, nil
}

func (w *webhooks) Delete(ctx context.Context, req *quirev1.DeleteWebhookRequest) (*emptypb.Empty, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, w.service.DeleteWebhook(ctx, call, quire.WebhookID(req.GetWebhookId()))
}

func (w *webhooks) ListDeliveries(ctx context.Context, req *quirev1.ListDeliveriesRequest) (*quirev1.ListDeliveriesResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := w.service.Deliveries(ctx, quire.DeliveryFilter{WebhookID: quire.WebhookID(req.GetWebhookId()), Page: page})
	if err != nil {
		return nil, err
	}
	return &quirev1.ListDeliveriesResponse{Deliveries: mapped(found, deliveryProto), NextPageToken: next}, nil
}

// webhookOf reads the fields that a client can set.
func webhookOf(m *quirev1.Webhook) (quire.Webhook, error) {
	w := quire.Webhook{
		URL: m.GetUrl(), Secret: m.GetSecret(), Execution: quire.ExecutionID(m.GetExecutionId()),
		Schedule: quire.ScheduleID(m.GetScheduleId()), Sweep: quire.SweepID(m.GetSweepId()),
	}
	for _, event := range m.GetEvents() {
		switch event {
		case quirev1.NoticeEvent_START, quirev1.NoticeEvent_SUCCESS, quirev1.NoticeEvent_FAILURE:
			w.Events = append(w.Events, quire.NoticeEvent(event.String())) // of the same names
		case quirev1.NoticeEvent_FINISH:
			w.Events = append(w.Events, quire.NoticeSuccess, quire.NoticeFailure)
		default:
			return w, quire.Invalid("events", "%d is no event that is known", event)
		}
	}
	switch m.GetFormat() {
	case quirev1.NoticeFormat_NOTICE_FORMAT_UNSPECIFIED, quirev1.NoticeFormat_JSON:
		w.Format = quire.NoticeJSON
	case quirev1.NoticeFormat_SLACK:
		w.Format = quire.NoticeSlack
	default:
		return w, quire.Invalid("format", "%d is no format that is known", m.GetFormat())
	}
	return w, nil
}

func webhookProto(w quire.Webhook) *quirev1.Webhook {
	return &quirev1.Webhook{
		Id: string(w.ID), ProjectId: string(w.ProjectID), Url: w.URL, Events: mapped(w.Events, noticeEventProto),
		Format: quirev1.NoticeFormat(quirev1.NoticeFormat_value[string(w.Format)]), Secret: w.Secret,
		ExecutionId: string(w.Execution), ScheduleId: string(w.Schedule), SweepId: string(w.Sweep),
		CreatedBy: w.CreatedBy, CreatedAt: timeProto(w.CreatedAt),
	}
}

func noticeEventProto(e quire.NoticeEvent) quirev1.NoticeEvent {
	return quirev1.NoticeEvent(quirev1.NoticeEvent_value[string(e)])
}

func deliveryProto(d quire.Delivery) *quirev1.Delivery {
	return &quirev1.Delivery{
		Id: string(d.ID), ExecutionId: string(d.Notice.Execution), Event: noticeEventProto(d.Event), At: timeProto(d.At),
		State: quirev1.Delivery_DeliveryState(quirev1.Delivery_DeliveryState_value[string(d.State)]),
		Tries: int32(d.Tries), Next: timeProto(d.Next), Status: int32(d.Status), Message: d.Message,
	}
}

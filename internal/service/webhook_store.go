package service

import (
	"context"
	"time"

	"quire"
)

// WebhookStore keeps webhooks and what is on its way to them; operations and
// idempotency are as in CommunityStore. The transaction by which an execution
// becomes RUNNING for the first time or ends also stores, for each webhook that
// is to be told, a PENDING delivery that is due at once. Deliveries go with
// their webhook, webhooks with their project.
type WebhookStore interface {
	// CreateWebhook refuses with NotFound where there is no such project, and
	// with ResourceExhausted where that has most webhooks. The operation's
	// result is the webhook's id.
	CreateWebhook(ctx context.Context, w quire.Webhook, op quire.Operation, most int) (quire.Operation, error)
	Webhook(ctx context.Context, id quire.WebhookID) (quire.Webhook, error)
	// Webhooks returns a page, oldest first.
	Webhooks(ctx context.Context, f quire.WebhookFilter) ([]quire.Webhook, string, error)
	DeleteWebhook(ctx context.Context, id quire.WebhookID, op quire.Operation) (quire.Operation, error)

	// Deliveries returns a page, newest first.
	Deliveries(ctx context.Context, f quire.DeliveryFilter) ([]quire.Delivery, string, error)
	// DueDeliveries returns up to limit deliveries whose Next has come, the
	// longest due first; where there are none, when the next one is: zero for
	// never.
	DueDeliveries(ctx context.Context, now time.Time, limit int) ([]quire.Delivery, time.Time, error)
	// SaveDelivery stores what came of a try. It does nothing to one that is gone.
	SaveDelivery(ctx context.Context, d quire.Delivery) error
	// RemoveDeliveries removes up to limit deliveries that ended before the
	// given time, and returns how many.
	RemoveDeliveries(ctx context.Context, before time.Time, limit int) (int, error)
	// Noticed returns a channel that is closed when there may be new deliveries.
	Noticed() <-chan struct{}
}

// Sender brings notices to webhooks.
type Sender interface {
	// Check returns an InvalidArgument error for a URL to which nothing is sent.
	Check(url string) error
	// Send makes one try and returns the answer's HTTP status, 0 where none
	// came. It fails unless that is 2xx; the error's text is fit for a client.
	Send(ctx context.Context, w quire.Webhook, d quire.Delivery) (status int, err error)
}

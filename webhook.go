package quire

import "time"

// WebhookID identifies a webhook.
type WebhookID string

// DeliveryID identifies a delivery; it stays the same over its attempts.
type DeliveryID string

// Webhook is an address that is told of a project's executions.
type Webhook struct {
	ID        WebhookID
	ProjectID ProjectID
	URL       string
	Events    []NoticeEvent // sorted, at least one
	Format    NoticeFormat
	Secret    string      // signs what is sent; shown once, at the creation
	Execution ExecutionID // where set, only this execution's
	Schedule  ScheduleID  // where set, only executions of this schedule
	Sweep     SweepID     // where set, only executions of this sweep
	CreatedBy string
	CreatedAt time.Time
}

// NoticeEvent is what a webhook is told of.
type NoticeEvent string

// The events.
const (
	NoticeStart   NoticeEvent = "START"   // the kernel has answered, for the first time
	NoticeSuccess NoticeEvent = "SUCCESS" // it has ended SUCCEEDED
	NoticeFailure NoticeEvent = "FAILURE" // it has ended FAILED or ABORTED
)

// NoticeFormat is the form of what is sent.
type NoticeFormat string

// The formats.
const (
	NoticeJSON  NoticeFormat = "JSON"
	NoticeSlack NoticeFormat = "SLACK"
)

// The bounds of webhooks.
const (
	MaxWebhooks      = 100 // of a project
	MaxWebhookURL    = 2000
	MaxWebhookSecret = 200
	MinWebhookSecret = 16
	MaxDeliveryTries = 8
)

// Notice is what a webhook is told: an execution as it was at the event.
type Notice struct {
	Execution  ExecutionID
	ProjectID  ProjectID
	Notebook   string
	State      State
	Schedule   ScheduleID
	Sweep      SweepID
	CreatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
	Failure    *Failure
}

// Delivery is one notice on its way to a webhook.
type Delivery struct {
	ID        DeliveryID
	WebhookID WebhookID
	Event     NoticeEvent
	Notice    Notice
	At        time.Time // of the event
	State     DeliveryState
	Tries     int
	Next      time.Time // of the next try; zero where there is none
	Status    int       // HTTP status of the last answer; 0 where none came
	Message   string    // why the last try failed
	Ended     time.Time
}

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states.
const (
	DeliveryPending   DeliveryState = "PENDING"
	DeliveryDelivered DeliveryState = "DELIVERED"
	DeliveryFailed    DeliveryState = "FAILED" // MaxDeliveryTries were made
)

// WebhookFilter narrows a list of webhooks, oldest first.
type WebhookFilter struct {
	ProjectID ProjectID
	Page      Page
}

// DeliveryFilter narrows a list of deliveries, newest first.
type DeliveryFilter struct {
	WebhookID WebhookID
	Page      Page
}

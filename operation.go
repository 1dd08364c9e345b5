package quire

import (
	"encoding/json"
	"time"
)

// OperationID identifies an operation. An execution's operation has the
// execution's id.
type OperationID string

// OperationKind says which call an operation came from.
type OperationKind string

// The calls that return an operation.
const (
	OpCreateCommunity OperationKind = "create-community"
	OpUpdateCommunity OperationKind = "update-community"
	OpDeleteCommunity OperationKind = "delete-community"
	OpCreateProject   OperationKind = "create-project"
	OpUpdateProject   OperationKind = "update-project"
	OpDeleteProject   OperationKind = "delete-project"
	OpSetUnitBalance  OperationKind = "set-unit-balance"
	OpExecute         OperationKind = "execute"
	OpCreateSchedule  OperationKind = "create-schedule"
	OpUpdateSchedule  OperationKind = "update-schedule"
	OpDeleteSchedule  OperationKind = "delete-schedule"
	OpCreateSweep     OperationKind = "create-sweep"
	OpCreateWebhook   OperationKind = "create-webhook"
	OpDeleteWebhook   OperationKind = "delete-webhook"
)

// Operation is the API's long-running operation. While Done is false there is
// neither Result nor Failure; afterwards there is one of them.
type Operation struct {
	ID          OperationID
	Kind        OperationKind
	Description string
	CommunityID CommunityID // what it is about: a community,
	ProjectID   ProjectID   // or a project, or an execution in a project
	Target      Target      // OpExecute only
	CreatedBy   string
	CreatedAt   time.Time
	ModifiedAt  time.Time
	Done        bool
	// Result is, as JSON, the Project or Community as the operation left it;
	// for OpExecute the final State; for the creation of a sweep, a webhook and a
	// schedule, and for the change of a schedule, its id; for a deletion and a unit balance null.
	Result  json.RawMessage
	Failure *Error // Quire's own failure; a notebook's failure is a Result

	// IdempotencyKey and RequestDigest tie a repeated request to this
	// operation: the same key of the same caller finds it again, and a key
	// with another digest is refused. Both empty: the client sent no key.
	IdempotencyKey string
	RequestDigest  string
}

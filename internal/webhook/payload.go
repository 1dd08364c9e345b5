package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"quire"
)

// maxReason is how much of a failure's message is told, in bytes.
const maxReason = 1000

// notice is the JSON of a delivery. Inputs and outputs are not in it: they may
// be secrets, and the receiver can ask for them.
type notice struct {
	ID        quire.DeliveryID  `json:"id"`
	Event     quire.NoticeEvent `json:"event"`
	Time      time.Time         `json:"time"`
	Execution execution         `json:"execution"`
}

type execution struct {
	ID         quire.ExecutionID `json:"id"`
	ProjectID  quire.ProjectID   `json:"projectId"`
	Notebook   string            `json:"notebook"`
	State      quire.State       `json:"state"`
	ScheduleID quire.ScheduleID  `json:"scheduleId,omitempty"`
	SweepID    quire.SweepID     `json:"sweepId,omitempty"`
	CreatedAt  time.Time         `json:"createdAt,omitzero"`
	StartedAt  time.Time         `json:"startedAt,omitzero"`
	FinishedAt time.Time         `json:"finishedAt,omitzero"`
	Failure    *failure          `json:"failure,omitempty"`
}

type failure struct {
	Kind    quire.FailureKind `json:"kind"`
	Message string            `json:"message"`
	CellID  string            `json:"cellId,omitempty"`
}

func payload(format quire.NoticeFormat, d quire.Delivery) ([]byte, error) {
	n := d.Notice
	var why *failure
	if n.Failure != nil {
		why = &failure{n.Failure.Kind, cut(n.Failure.Message), n.Failure.CellID}
	}
	if format == quire.NoticeSlack {
		return json.Marshal(map[string]string{"text": slackText(n, why)})
	}
	return json.Marshal(notice{d.ID, d.Event, d.At, execution{
		n.Execution, n.ProjectID, n.Notebook, n.State, n.Schedule, n.Sweep, n.CreatedAt, n.StartedAt, n.FinishedAt, why,
	}})
}

// slackText is one line, and the reason below it. What Slack would take for a
// link or a mention is text.
func slackText(n quire.Notice, why *failure) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	did := map[quire.State]string{
		quire.Running: "has started", quire.Succeeded: "succeeded", quire.Failed: "failed", quire.Aborted: "was stopped",
	}[n.State]
	text := fmt.Sprintf("%s %s (execution %s", escape(n.Notebook), did, n.Execution)
	if !n.StartedAt.IsZero() && n.FinishedAt.After(n.StartedAt) {
		text += ", " + n.FinishedAt.Sub(n.StartedAt).Round(time.Millisecond).String()
	}
	text += ")"
	if why != nil && why.Message != "" {
		text += "\n" + escape(why.Message)
	}
	return text
}

func cut(s string) string {
	if len(s) > maxReason {
		s = s[:maxReason] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

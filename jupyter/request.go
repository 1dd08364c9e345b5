package jupyter

import (
	"context"
	"encoding/json"
	"fmt"
)

// Request sends a request on shell and returns once the kernel has replied and
// is idle again; what else it says is dropped, so that it is for a kernel that
// runs nothing yet. A reply whose status is not "ok" is an error with the
// reply's ename, where it has one, and evalue. The others are those of Send
// and Receive.
func (c *Client) Request(ctx context.Context, msgType string, content any) error {
	id, err := c.Send(ctx, Shell, msgType, content)
	if err != nil {
		return err
	}
	for replied, idle := false, false; !replied || !idle; {
		m, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if m.ParentHeader.MsgID != id {
			continue // of its start
		}
		var content struct {
			Status, EName, EValue string
			ExecutionState        string `json:"execution_state"`
		}
		if err := json.Unmarshal(m.Content, &content); err != nil {
			return err
		}
		switch {
		case m.Channel != Shell || content.Status == "ok":
		case content.EName != "":
			return fmt.Errorf("refused: %.40q %.200q", content.EName, content.EValue)
		default:
			return fmt.Errorf("refused: %.200q", content.EValue)
		}
		replied = replied || m.Channel == Shell
		idle = idle || content.ExecutionState == "idle"
	}
	return nil
}

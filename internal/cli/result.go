package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"quire"
)

// result is how `quire run` ended. Its JSON has the field names that an
// execution has in the API.
type result struct {
	notebook, output string
	progress         quire.Progress
}

func newResult(notebook, output string) *result {
	return &result{notebook: notebook, output: output}
}

func (r *result) MarshalJSON() ([]byte, error) {
	p := r.progress
	return json.Marshal(struct {
		State           quire.State      `json:"state"`
		Notebook        string           `json:"notebook"`
		Executed        string           `json:"executedNotebook"`
		Kernel          string           `json:"kernel"`
		CellsDone       int              `json:"cellsDone"`
		CellsTotal      int              `json:"cellsTotal"`
		StartedAt       time.Time        `json:"startedAt,omitzero"`
		FinishedAt      time.Time        `json:"finishedAt,omitzero"`
		KernelStartMS   int64            `json:"kernelStartMs"`
		RunningMS       int64            `json:"runningMs"`
		OutputVariables []quire.Variable `json:"outputVariables"`
		Failure         *quire.Failure   `json:"failure,omitempty"`
	}{
		p.State, r.notebook, r.output, p.Kernel, p.CellsDone, p.CellsTotal, p.Timing.Started, p.Timing.Finished,
		between(p.Timing.Environment, p.Timing.Kernel), between(p.Timing.Kernel, p.Timing.Finished),
		append([]quire.Variable{}, p.Outputs...), p.Failure,
	})
}

// between returns milliseconds, 0 where one of the moments has not come.
func between(from, to time.Time) int64 {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return to.Sub(from).Milliseconds()
}

func (a *app) printResult(r *result, asJSON bool) error {
	if asJSON {
		return a.printValue(r)
	}
	return a.printVariables(r.progress.Outputs)
}

// printVariables prints each output variable as name = value, the value as JSON.
func (a *app) printVariables(variables []quire.Variable) error {
	for _, v := range variables {
		if _, err := fmt.Fprintf(a.stdout, "%s = %s\n", printable(v.Name), variableText(v)); err != nil {
			return err
		}
	}
	return nil
}

func variableText(v quire.Variable) string {
	if v.Type == quire.MissingVariable {
		return "(not defined by the notebook)"
	}
	var b bytes.Buffer
	if json.Compact(&b, v.Value) != nil {
		b.Reset() // no value came
	}
	text := cmp.Or(b.String(), "null")
	if v.Truncated {
		text += " (cut to its limit)"
	}
	return printable(text)
}

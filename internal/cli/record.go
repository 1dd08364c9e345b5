package cli

import (
	"fmt"
	"strconv"
	"strings"

	quirev1 "quire/internal/gen/quire/v1"
)

// recordFields say what an execution may use, has cost and has run.
func recordFields(e *quirev1.Execution) [][2]string {
	fields := [][2]string{{"bounds", boundsText(e.GetBounds())}}
	if e.GetUnits() != 0 {
		fields = append(fields, [2]string{"units", strconv.FormatInt(e.GetUnits(), 10)})
	}
	for _, a := range e.GetAttempts() {
		took := elapsed(a.GetFinished().AsTime().Sub(a.GetStarted().AsTime()))
		if a.GetStarted() == nil {
			took = "not at all"
		}
		fields = append(fields, [2]string{
			fmt.Sprintf("attempt %d", a.GetNumber()), fmt.Sprintf("ran %s until %s: %s", took, moment(a.GetFinished()), a.GetFailure().GetMessage()),
		})
	}
	if e.GetAttempt() > 1 {
		fields = append(fields, [2]string{"attempt", number(e.GetAttempt())})
	}
	return append(fields, [][2]string{
		{"notebook digest", e.GetReceipt().GetNotebook()},
		{"inputs digest", e.GetReceipt().GetInputs()},
		{"environment digest", e.GetReceipt().GetEnvironment()},
	}...)
}

func boundsText(b *quirev1.Bounds) string {
	if b == nil {
		return ""
	}
	var parts []string
	if n := b.GetCpus(); n > 0 {
		parts = append(parts, count(int(n), "CPU"))
	}
	if n := b.GetMemoryBytes(); n > 0 {
		parts = append(parts, fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)))
	}
	if n := b.GetProcesses(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d processes", n))
	}
	text := strings.Join(parts, ", ")
	if b.GetBy() != "" {
		text += " by " + b.GetBy()
	}
	if b.GetClamped() {
		text += " (all that the machine has)"
	}
	return strings.TrimSpace(text)
}

func failureFields(f *quirev1.Failure) [][2]string {
	if f == nil {
		return nil
	}
	where := f.GetCellId()
	if f.Cell != nil {
		where = strings.TrimSpace(fmt.Sprintf("cell %d of the notebook, from 0  %s", f.GetCell(), where))
	}
	return [][2]string{
		{"failure", f.GetMessage()},
		{"at", where},
		{"exception", strings.Trim(f.GetErrorName()+": "+f.GetErrorValue(), ": ")},
		{"limit", f.GetLimit()},
		{"signal", f.GetSignal()},
	}
}

package soak_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"quire"
)

// maxAttempts is how often Quire tries an execution whose executor it loses.
const maxAttempts = 3

// attempt is one try of an execution, as its journal has it.
type attempt struct {
	number   int
	finished *quire.Finished // nil: a power cut took the end
	ends     int             // events that say so
	cells    int             // that began
}

// attemptsOf splits a journal's events.
func attemptsOf(events []quire.Event) []attempt {
	var all []attempt
	for _, e := range events {
		if e.Started != nil {
			all = append(all, attempt{number: int(e.Started.Attempt)})
		}
		if len(all) == 0 {
			continue
		}
		last := &all[len(all)-1]
		if e.CellStarted != nil {
			last.cells++
		}
		if e.Finished != nil {
			last.finished = e.Finished
			last.ends++
		}
	}
	return all
}

// judge holds an execution's attempts to the model and returns what is wrong.
// hits are the faults that it was in the way of.
func judge(k kind, attempts []attempt, hits []hit) (wrong []string) {
	if len(attempts) == 0 {
		return []string{"it ended with no attempt in its journal"}
	}
	for i, a := range attempts {
		last := i == len(attempts)-1
		if a.ends > 1 {
			wrong = append(wrong, fmt.Sprintf("attempt %d ends %d times: what began after it has no beginning", a.number, a.ends))
		}
		switch {
		case a.number != i+1:
			wrong = append(wrong, fmt.Sprintf("attempt %d comes in the place of %d", a.number, i+1))
		case last && (a.finished == nil || a.finished.Retry):
			wrong = append(wrong, fmt.Sprintf("the last attempt, %d, has no end", a.number))
		case !last && a.finished != nil && !a.finished.Retry:
			wrong = append(wrong, fmt.Sprintf("there is an attempt after %d, which ended with %s", a.number, endOf(*a.finished)))
		case a.finished == nil:
			if !slices.ContainsFunc(hits, func(h hit) bool { return h.fault == powerCut || h.fault == powerCutGarbled }) {
				wrong = append(wrong, fmt.Sprintf("attempt %d has no end, and nobody cut the power", a.number))
			}
		default:
			if why := judgeAttempt(k, a, hits); why != "" {
				wrong = append(wrong, why)
			}
		}
	}
	return wrong
}

// judgeAttempt returns why an attempt must not have ended as it did, or "".
func judgeAttempt(k kind, a attempt, hits []hit) string {
	got := endOf(*a.finished)
	mine := slices.DeleteFunc(slices.Clone(hits), func(h hit) bool {
		return h.what != hindered && h.attempt != 0 && h.attempt != a.number
	})
	sure := slices.ContainsFunc(mine, func(h hit) bool { return h.sure })
	if got == k.end && !a.finished.Retry && !sure {
		return ""
	}
	for _, h := range mine {
		if excuses(h, k, a, got) {
			return ""
		}
	}
	message := ""
	if a.finished.Failure != nil {
		message = a.finished.Failure.Message
	}
	return fmt.Sprintf("attempt %d ended with %s (retry %t, %q); %s is what the notebook does, and it was hit by %s",
		a.number, got, a.finished.Retry, message, k.end, mine)
}

// excuses reports whether a fault may have made an attempt end as it did.
func excuses(h hit, k kind, a attempt, got end) bool {
	f := cmp.Or(a.finished.Failure, &quire.Failure{})
	switch h.what {
	case lost:
		if k.end.failure == quire.Cancelled && got == k.end {
			return true // the cancel came before the loss was found
		}
		return got == end{state: quire.Failed, failure: quire.QuireFault} && a.finished.Retry == (a.number < maxAttempts)
	case died:
		if a.finished.Retry {
			return false
		}
		if got == (end{state: quire.Failed, failure: quire.KernelDied, signal: h.signal}) {
			return true
		}
		// Before it has answered, a kernel that dies has not started.
		return !h.sure && got.failure == quire.QuireFault && regexp.MustCompile(h.signal).MatchString(f.Message)
	case hindered:
		if got.failure == quire.QuireFault {
			return a.finished.Retry || reasons[h.fault].MatchString(f.Message)
		}
		// What a notebook makes of having no processes is its own affair.
		return h.fault == processesRunOut && !a.finished.Retry && (got.failure == quire.CellFailed || got.failure == quire.KernelDied)
	}
	return false
}

package executor_test

import (
	"testing"
	"time"

	"quire"
)

func TestTermsEndARun(t *testing.T) {
	for limit, terms := range map[string]quire.Terms{
		"max_units_per_execution": {Spec: quire.Spec{UnitsPerSecond: 4}, MaxUnits: 8},
		"stale_exec_timeout":      {Spec: quire.Spec{CPUs: 1000}, StaleAfter: 2 * time.Second}, // its load is a share of very much
	} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, "python3", cell("import time\nprint('begun')\ntime.sleep(1000)"))
			job.Terms = terms
			r := run(t, t.Context(), job, nil)
			if r.end.State != quire.Aborted || r.end.Failure == nil || r.end.Failure.Kind != quire.Limited || r.end.Failure.Limit != limit {
				t.Errorf("got the end %+v %+v, want it stopped by %s", r.end, r.end.Failure, limit)
			}
			if r.progress.Price != terms.Spec.UnitsPerSecond || r.progress.Units < terms.MaxUnits {
				t.Errorf("got %d units at %d a second", r.progress.Units, r.progress.Price)
			}
		})
	}
}

package service_test

import (
	"testing"
	"time"

	"quire"
	"quire/internal/service"
)

func TestTerms(t *testing.T) {
	h := newHouse(t, &service.Options{Policy: quire.Policy{MaxAttempts: 5}})
	c14 := quire.DefaultCatalogue()["c1.4"]
	for name, tt := range map[string]struct {
		project quire.Project
		want    quire.Terms
	}{
		"bare":        {quire.Project{}, quire.Terms{Spec: c14, MaxAttempts: 5}},
		"stale 1 h":   {quire.Project{Settings: quire.ProjectSettings{StaleTimeout: quire.StaleOneHour}}, quire.Terms{Spec: c14, MaxAttempts: 5, StaleAfter: time.Hour}},
		"stale 3 h":   {quire.Project{Settings: quire.ProjectSettings{StaleTimeout: quire.StaleThreeHours}}, quire.Terms{Spec: c14, MaxAttempts: 5, StaleAfter: 3 * time.Hour}},
		"stale never": {quire.Project{Settings: quire.ProjectSettings{StaleTimeout: quire.StaleNever}}, quire.Terms{Spec: c14, MaxAttempts: 5}},
		"units":       {quire.Project{Limits: quire.ProjectLimits{MaxUnitsPerExecution: new(int64(4)), MaxUnitsPerHour: new(int64(14400))}}, quire.Terms{Spec: c14, MaxAttempts: 5, MaxUnits: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			h.update(t, tt.project, "settings", "limits")
			e, err := h.Execution(t.Context(), h.execute(t))
			if err != nil || e.Terms != tt.want {
				t.Errorf("got %+v, %v, want %+v", e.Terms, err, tt.want)
			}
		})
	}
	if _, err := h.UpdatePolicy(t.Context(), caller, h.project, quire.Policy{MaxAttempts: 1, NoLearning: true}, nil); err != nil {
		t.Fatal(err)
	}
	if e, err := h.Execution(t.Context(), h.execute(t)); err != nil || e.Terms.MaxAttempts != 1 || !e.Terms.NoLearning {
		t.Errorf("got %+v, %v, want one attempt and no learning", e.Terms, err)
	}
}

func TestExecuteIsTooDear(t *testing.T) {
	h := newHouse(t, nil)
	for name, tt := range map[string]struct {
		limits         quire.ProjectLimits
		field, message string
	}{
		"an hour":          {quire.ProjectLimits{MaxUnitsPerHour: new(int64(14399))}, "spec: ", "max_units_per_hour is 14399"},
		"a second":         {quire.ProjectLimits{MaxUnitsPerExecution: new(int64(3))}, "spec: ", "max_units_per_execution is 3"},
		"nothing is given": {quire.ProjectLimits{MaxUnitsPerExecution: new(int64(0))}, "spec: ", "max_units_per_execution is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			h.update(t, quire.Project{Limits: tt.limits}, "limits")
			_, err := h.Execute(t.Context(), caller, h.request())
			wantCode(t, err, quire.FailedPrecondition, tt.field, tt.message)
		})
	}
	h.update(t, quire.Project{}, "limits")
	for units, refused := range map[int64]bool{-3: true, 0: true, 1: false} {
		h.setBalance(t, units)
		_, err := h.Execute(t.Context(), caller, h.request())
		if (err != nil) != refused {
			t.Errorf("with a balance of %d: got %v, want refused: %t", units, err, refused)
		}
		if refused {
			wantCode(t, err, quire.FailedPrecondition, "", "no units left")
		}
	}
}

func TestFreeSpecNeedsNoUnits(t *testing.T) {
	h := newHouse(t, &service.Options{Catalogue: quire.Catalogue{"c1.4": {Name: "c1.4"}}})
	h.update(t, quire.Project{Limits: quire.ProjectLimits{MaxUnitsPerExecution: new(int64(0)), MaxUnitsPerHour: new(int64(0))}}, "limits")
	h.execute(t)
}

func TestQueueLimits(t *testing.T) {
	h := newHouse(t, &service.Options{MaxQueued: 3})
	if _, err := h.UpdatePolicy(t.Context(), caller, h.project, quire.Policy{MaxQueued: 2}, nil); err != nil {
		t.Fatal(err)
	}
	h.execute(t)
	h.execute(t)
	_, err := h.Execute(t.Context(), caller, h.request())
	wantCode(t, err, quire.ResourceExhausted, "", "2 executions in the queue")
	if _, err := h.UpdatePolicy(t.Context(), caller, h.project, quire.Policy{MaxQueued: -1}, nil); err != nil {
		t.Fatal(err)
	}
	h.execute(t)
	_, err = h.Execute(t.Context(), caller, h.request())
	wantCode(t, err, quire.ResourceExhausted, "", "the server's limit")
}

func TestPolicy(t *testing.T) {
	h := newHouse(t, nil)
	full := quire.Policy{MaxRunning: -1, MaxQueued: 5, Priority: -100, MaxAttempts: 10, KeepFor: time.Hour, KeepLast: 7, NoLearning: true}
	got, err := h.UpdatePolicy(t.Context(), caller, h.project, full, nil)
	if err != nil || got != full {
		t.Errorf("got %+v, %v, want %+v", got, err, full)
	}
	got, err = h.UpdatePolicy(t.Context(), caller, h.project, quire.Policy{Priority: 101}, []string{"keep_for", "max_running"})
	full.KeepFor, full.MaxRunning = 0, 0
	if err != nil || got != full {
		t.Errorf("got %+v, %v, want %+v", got, err, full)
	}
	for field, patch := range map[string]quire.Policy{
		"policy.priority: ":     {Priority: 101},
		"policy.max_attempts: ": {MaxAttempts: -1},
	} {
		_, err := h.UpdatePolicy(t.Context(), caller, h.project, patch, nil)
		wantCode(t, err, quire.InvalidArgument, field, "from ")
	}
	_, err = h.UpdatePolicy(t.Context(), caller, h.project, quire.Policy{}, []string{"colour"})
	wantCode(t, err, quire.InvalidArgument, "update_mask: ", "keep_last")
	_, err = h.Policy(t.Context(), "nope")
	wantCode(t, err, quire.NotFound, "", "nope")
	if got, err := h.Policy(t.Context(), h.project); err != nil || got != full {
		t.Errorf("got %+v, %v, want it unchanged: %+v", got, err, full)
	}
	r := h.request()
	r.Priority = -101
	_, err = h.Execute(t.Context(), caller, r)
	wantCode(t, err, quire.InvalidArgument, "priority: ", "from -100 to 100")
}

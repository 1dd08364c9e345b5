// Package soak_test is the fault harness: it runs notebooks on a real server
// while servers, executors, kernels, disks and limits fail by a plan that a
// seed makes, and holds every execution to what a model says it must end as.
//
// A run lives in namespaces of its own, so that its disk can be filled, its
// processes can be counted to the last one, and nothing else is ever killed.
package soak_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"quire/internal/testenv"
)

var (
	soakTime   = flag.Duration("soak.time", 40*time.Second, "`time` after which no further round begins")
	soakSeed   = flag.Uint64("soak.seed", 1, "`number` that the plan of notebooks and faults is made of; 0 takes one by chance")
	soakFaults = flag.String("soak.faults", "", "comma-separated `kinds` of faults; empty: all of them")
	soakLog    = flag.String("soak.log", "", "`file` that the timeline is written to, whatever comes out")
	soakSlack  = flag.Float64("soak.slack", 4, "`factor` on the limits of time, for a machine that does other things as well")
)

func TestMain(m *testing.M) {
	flag.Parse()
	switch os.Getenv(stageVariable) {
	case "":
		os.Exit(isolate())
	case stageInit:
		os.Exit(initStage())
	default:
		os.Exit(m.Run())
	}
}

// TestSoak runs one round after the other until the time is over. Each has its
// notebooks and faults, and an audit at its end.
func TestSoak(t *testing.T) {
	h, err := newHarness(t.Context(), os.Getenv(folderVariable), testenv.Python(t))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	deadline := time.Now().Add(*soakTime)
	for n := 1; time.Now().Before(deadline) && !h.hopeless(); n++ {
		h.run(t.Context(), h.plan.round(n))
	}
	h.finalAudit(t.Context())
	t.Logf("\n%s", h.report.summary())
	if *soakLog != "" {
		if err := os.WriteFile(*soakLog, []byte(h.report.log()), 0o600); err != nil {
			t.Error(err)
		}
	}
	if found := h.report.discrepancies(); len(found) > 0 {
		t.Errorf("%d discrepancies with the seed %d; the data folder and the logs are kept in %s", len(found), h.plan.seed, h.keep())
		for _, d := range found {
			t.Error(d)
		}
	}
}

// TestPlan holds the plan to its promise: the same seed, the same plan.
func TestPlan(t *testing.T) {
	one, other := newPlan(7, ""), newPlan(7, "")
	for n := 1; n <= 20; n++ {
		if got, want := fmt.Sprint(one.round(n)), fmt.Sprint(other.round(n)); got != want {
			t.Fatalf("round %d is once\n%s\nand once\n%s", n, got, want)
		}
	}
	if fmt.Sprint(newPlan(7, "").round(1)) == fmt.Sprint(newPlan(8, "").round(1)) {
		t.Error("two seeds make the same plan")
	}
}

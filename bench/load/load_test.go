package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test's own binary the kernel, as main does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == kernelWord {
		if err := program(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// quire takes the program that QUIRE_BIN names, or builds it. Either way it
// looks at what it depends on, so that go test shows no old result.
func quire(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("QUIRE_BIN"); named != "" {
		if _, err := os.Stat(named); err != nil {
			t.Fatal(err)
		}
		return named
	}
	built := filepath.Join(t.TempDir(), "quire")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", built, "quire/cmd/quire").CombinedOutput(); err != nil {
		t.Fatalf("build quire: %v\n%s", err, out)
	}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a file of an editor, or of a test beside this one
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "../..":
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// TestNothingIsLostUnderLoad is the measurement in short: how long anything
// takes is not looked at.
func TestNothingIsLostUnderLoad(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := plan{
		Quire: quire(t), Kernel: []string{self, kernelWord}, Keep: filepath.Join(t.TempDir(), "load"),
		Executions: 300, MaxRunning: 16, Clients: 8, Probes: 20, Pace: 20 * time.Millisecond, Stuck: time.Minute,
		Log: t.Output(),
	}
	f, err := p.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Audit.err(); err != nil {
		t.Error(err)
	}
	if least := warmUps + p.MaxRunning + p.Executions; f.Audit.Accepted < least {
		t.Errorf("%d executions were accepted, want %d at least", f.Audit.Accepted, least)
	}
}

func TestQuantiles(t *testing.T) {
	times := make([]time.Duration, 0, 100)
	for i := range 100 {
		times = append(times, time.Duration(100-i)*time.Millisecond)
	}
	if got, want := quantilesOf(times), (quantiles{Count: 100, P50: 50, P99: 99, Max: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := quantilesOf(times[:1]); got.P99 != 100 || got.P50 != 100 {
		t.Errorf("of one time got %+v, want that", got)
	}
}

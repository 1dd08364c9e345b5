package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// quantiles are of times, in milliseconds.
type quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func quantilesOf(times []time.Duration) quantiles {
	if len(times) == 0 {
		return quantiles{}
	}
	sorted := slices.Sorted(slices.Values(times))
	at := func(percent int) float64 {
		rank := (len(sorted)*percent + 99) / 100 // the least that so many per cent do not exceed
		return float64(sorted[rank-1].Microseconds()) / 1000
	}
	return quantiles{Count: len(sorted), P50: at(50), P99: at(99), Max: at(100)}
}

// figures are what a measurement has found.
type figures struct {
	Time       time.Time `json:"time"`
	Processor  string    `json:"processor"`
	Processors int       `json:"processors"`
	MaxRunning int       `json:"maxRunning"`
	Clients    int       `json:"clients"`

	Idle          quantiles `json:"submitIdle"`
	Filling       quantiles `json:"submitFilling"`
	Draining      quantiles `json:"submitDraining"`
	FillPerSecond float64   `json:"fillPerSecond"`
	Drained       int       `json:"drained"`
	DrainSeconds  float64   `json:"drainSeconds"`

	AtRest   memory `json:"atRest"`
	Waiting  memory `json:"allSlotsTaken"`
	Queued   memory `json:"queued"`
	Finished memory `json:"finished"`

	InQueue int    `json:"inQueue"`
	Audit   *audit `json:"audit"`
}

func newFigures(p plan) *figures {
	return &figures{
		Time: time.Now().UTC(), Processor: processor(), Processors: runtime.NumCPU(),
		MaxRunning: p.MaxRunning, Clients: p.Clients, InQueue: p.Executions,
	}
}

// print writes the table of docs/performance.md.
func (f *figures) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d executions, %d at a time, on %d processors (%s).\n\n", f.Drained, f.MaxRunning, f.Processors, f.Processor)
	fmt.Fprintf(&b, "| | count | p50, ms | p99, ms | max, ms |\n|---|---|---|---|---|\n")
	for _, row := range []struct {
		name string
		quantiles
	}{
		{"submit, idle server", f.Idle},
		{"submit, queue draining", f.Draining},
		{fmt.Sprintf("submit, %d connections at once (%.0f a second)", f.Clients, f.FillPerSecond), f.Filling},
	} {
		fmt.Fprintf(&b, "| %s | %d | %.1f | %.1f | %.1f |\n", row.name, row.Count, row.P50, row.P99, row.Max)
	}
	fmt.Fprintf(&b, "\np99 while draining: %.1f times that of the idle server. Drained: %.0f executions a minute.\n\n",
		f.Draining.P99/f.Idle.P99, 60*float64(f.Drained)/f.DrainSeconds)
	fmt.Fprintf(&b, "| server's memory | heap, KiB | resident, KiB | heap for each, bytes |\n|---|---|---|---|\n")
	for _, row := range []struct {
		name   string
		m, off memory
		count  int
	}{
		{"at rest", f.AtRest, memory{}, 0},
		{fmt.Sprintf("%d running", f.MaxRunning), f.Waiting, f.AtRest, f.MaxRunning},
		{fmt.Sprintf("and %d queued", f.InQueue), f.Queued, f.Waiting, f.InQueue},
		{fmt.Sprintf("%d finished", f.Drained), f.Finished, f.AtRest, f.Drained},
	} {
		each := ""
		if row.count > 0 {
			each = fmt.Sprintf("%.0f", float64(row.m.Heap-row.off.Heap)/float64(row.count))
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", row.name, row.m.Heap>>10, row.m.Resident>>10, each)
	}
	fmt.Fprintf(&b, "\nOf %d accepted: %d lost, %d doubled, %d stuck, %d failed.\n",
		f.Audit.Accepted, f.Audit.Lost, f.Audit.Doubled, f.Audit.Stuck, f.Audit.Failed)
	_, err := io.WriteString(w, b.String())
	return err
}

// keep appends the figures to a file; an empty name keeps nothing.
func (f *figures) keep(path string) error {
	if path == "" {
		return nil
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644) //nolint:gosec // figures are for everybody
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	return errors.Join(err, file.Close())
}

// processor returns the processor's name.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

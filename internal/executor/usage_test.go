package executor

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quire"
)

// told collects what a sampler tells, with the time since the start.
type told struct {
	at    []time.Duration
	usage []quire.Usage
}

func (o *told) teller() func(quire.Event) error {
	begun := time.Now()
	return func(e quire.Event) error {
		o.at, o.usage = append(o.at, time.Since(begun)), append(o.usage, *e.Usage)
		return nil
	}
}

func TestSamplerGrowsSlow(t *testing.T) {
	for _, tt := range []struct {
		run  time.Duration
		want int // samples, the first and the last among them
	}{
		{300 * time.Millisecond, 2},
		{10*time.Second + time.Millisecond, 12},
		{time.Hour, 258},
		{24 * time.Hour, 444},
		{14 * 24 * time.Hour, 595},
		{90 * 24 * time.Hour, maxSamples},
	} {
		t.Run(tt.run.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first, later told
				s := startSampler(t.Context(), func() quire.Usage { return quire.Usage{MemoryBytes: 1} }, first.teller(), later.teller())
				<-time.After(tt.run)
				last := s.end()
				if len(first.at) != 1 || first.at[0] != 0 || last.Usage == nil || last.Time.IsZero() {
					t.Errorf("got the first at %v, the last as %+v", first.at, last)
				}
				if got := 2 + len(later.at); got != tt.want {
					t.Errorf("got %d samples, want %d", got, tt.want)
				}
				before := time.Duration(0)
				for i, at := range later.at {
					if want := time.Second << (i / samplesEach); at-before != want {
						t.Fatalf("sample %d came after %s, want %s", i, at-before, want)
					}
					before = at
				}
			})
		})
	}
}

func TestSamplerCountsUpwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seconds := []float64{1, 3.00049, 2, 5} // a process ends, and takes two seconds along
		var all told
		tell := all.teller()
		s := startSampler(t.Context(), func() quire.Usage {
			u := quire.Usage{CPUSeconds: seconds[0]}
			seconds = seconds[1:]
			return u
		}, tell, tell)
		<-time.After(2500 * time.Millisecond)
		_ = tell(s.end())
		var got []float64
		for _, u := range all.usage {
			got = append(got, u.CPUSeconds)
		}
		if want := []float64{1, 3, 3, 5}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestSamplerStopsWithTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := 0
		s := startSampler(t.Context(), func() quire.Usage { return quire.Usage{} },
			func(quire.Event) error { return nil },
			func(quire.Event) error { count++; return errors.New("disk full") })
		<-time.After(time.Minute)
		s.end()
		if count != 1 {
			t.Errorf("told %d times, want once", count)
		}
	})
}

// A child and a grandchild that has left the session are both found; memory
// counts, and the time of children that are gone.
func TestUsageOfProcesses(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `
x=$(head -c 32M /dev/zero | tr '\0' x)
( i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done )
exec 3<&0
setsid sh -c 'read -r _ <&3' &
echo $!
read -r _`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	found := children(os.Getpid())
	for _, pid := range []int{cmd.Process.Pid, grandchild} {
		if !slices.Contains(found, pid) {
			t.Errorf("process %d is not among %v", pid, found)
		}
	}
	got := usageOf([]int{cmd.Process.Pid, grandchild, -1})
	if got.MemoryBytes < 32<<20 || got.CPUSeconds <= 0 || got.PeakMemory != 0 {
		t.Errorf("got %+v", got)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its read fails
	if got := usageOf([]int{cmd.Process.Pid}); got != (quire.Usage{}) {
		t.Errorf("after the end got %+v", got)
	}
}

package executor

import (
	"context"
	"math"
	"sync"
	"time"

	"quire"
)

// An attempt's usage is told each second at first, and after every samplesEach
// times half as often: a short run is seen in detail, and maxSamples, the first
// and the last among them, last for two weeks. After them only the end is told.
const (
	firstInterval = time.Second
	samplesEach   = 40
	maxSamples    = 600
)

// sampler tells again and again what a kernel's processes use.
type sampler struct {
	read func() quire.Usage
	tell func(quire.Event) error

	stop     context.CancelFunc
	sampling sync.WaitGroup
	most     float64 // processor seconds told
}

// startSampler tells the usage first by begun, then by tell, until end.
func startSampler(ctx context.Context, read func() quire.Usage, begun, tell func(quire.Event) error) *sampler {
	s := &sampler{read: read, tell: tell}
	ctx, s.stop = context.WithCancel(ctx)
	if begun(s.sample()) == nil { // what breaks the journal is told to whoever needs it
		s.sampling.Go(func() { s.run(ctx) })
	}
	return s
}

func (s *sampler) run(ctx context.Context) {
	interval := firstInterval
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for n := 1; n <= maxSamples-2; n++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if s.tell(s.sample()) != nil {
			return
		}
		if n%samplesEach == 0 {
			interval *= 2
		}
		timer.Reset(interval)
	}
}

// end stops the sampling and returns the last sample, which is told with the
// execution's end.
func (s *sampler) end() quire.Event {
	s.stop()
	s.sampling.Wait()
	last := s.sample()
	last.Time = time.Now().UTC()
	return last
}

func (s *sampler) sample() quire.Event {
	u := s.read()
	// Processes that are not in a group take their time along when they end.
	s.most = max(s.most, math.Round(u.CPUSeconds*1000)/1000)
	u.CPUSeconds = s.most
	return quire.Event{Usage: &u}
}

// used reads what the kernel's processes use, from their control group where
// they have one.
func (k *kernel) used() quire.Usage {
	if k.encl == nil || k.encl.group == nil {
		return usageOf(k.processes())
	}
	u := k.encl.group.Usage()
	used := quire.Usage{CPUSeconds: u.CPU.Seconds(), MemoryBytes: u.Memory, PeakMemory: u.MemoryPeak}
	if u.CPUUnknown {
		used.CPUSeconds = usageOf(k.processes()).CPUSeconds
	}
	return used
}

package cgroup

import "time"

// Stats are a group's counters. What its hierarchies don't count is 0.
type Stats struct {
	Memory       int64 // bytes in use
	MemoryPeak   int64 // the most there were in use
	MemoryLimit  int64
	LimitReached bool          // the group's own limit, not only one above it
	OOMKills     int64         // processes of the group that the system killed for want of memory
	CPU          time.Duration // processor time used
	Processes    int64         // processes and threads
}

// chargeBatch is more than the kernel charges at a time.
const chargeBatch = 1 << 20

// Stats reads the counters.
func (g *Group) Stats() Stats {
	var s Stats
	s.Memory = g.number("memory.usage_in_bytes", "memory.current")
	s.MemoryPeak = g.number("memory.max_usage_in_bytes", "memory.peak")
	s.MemoryLimit = g.number("memory.limit_in_bytes", "memory.max")
	s.Processes = g.number("pids.current")
	s.OOMKills = g.OOMKills()
	if g.file("memory.oom_control") != "" {
		// memory.failcnt, made for this, stays 0 on recent kernels.
		s.LimitReached = s.MemoryLimit > 0 && s.MemoryPeak >= s.MemoryLimit-chargeBatch
	} else if path := g.file("memory.events"); path != "" {
		ooms, _ := readKeyed(path, "oom")
		s.LimitReached = ooms > 0
	}
	s.CPU, _ = g.cpu()
	return s
}

// cpu reads the processor time used, where a hierarchy counts it.
func (g *Group) cpu() (used time.Duration, ok bool) {
	if path := g.file("cpuacct.usage"); path != "" {
		ns, ok := readNumber(path)
		return time.Duration(ns), ok
	}
	us, ok := readKeyed(g.file("cpu.stat"), "usage_usec")
	return time.Duration(us) * time.Microsecond, ok
}

// Usage is what a group's processes use.
type Usage struct {
	CPU        time.Duration // processor time used so far
	CPUUnknown bool          // no hierarchy counts it
	Memory     int64         // bytes in use, without those of files that the system would give up first
	MemoryPeak int64         // the most there were in use, of files too; 0 is unknown
}

// Usage reads those counters alone: it is cheap enough for each second.
func (g *Group) Usage() Usage {
	u := Usage{MemoryPeak: g.number("memory.max_usage_in_bytes", "memory.peak")}
	cpu, ok := g.cpu()
	u.CPU, u.CPUUnknown = cpu, !ok
	path, cached := g.file("memory.usage_in_bytes"), "total_inactive_file"
	if path == "" {
		path, cached = g.file("memory.current"), "inactive_file"
	}
	u.Memory, _ = readNumber(path)
	files, _ := readKeyed(g.file("memory.stat"), cached)
	u.Memory = max(u.Memory-files, 0) // they are read one after the other
	return u
}

// OOMKills reads that counter alone.
func (g *Group) OOMKills() int64 {
	path := g.file("memory.oom_control")
	if path == "" {
		path = g.file("memory.events")
	}
	n, _ := readKeyed(path, "oom_kill")
	return n
}

// number reads the first of the files that is there.
func (g *Group) number(names ...string) int64 {
	for _, name := range names {
		if path := g.file(name); path != "" {
			n, _ := readNumber(path)
			return n
		}
	}
	return 0
}

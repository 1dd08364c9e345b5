package runner

import "fmt"

// Memory counts what the notebook's processes use together.
type Memory interface {
	Usage() Usage
	OOMKills() int64 // Usage's counter alone: it is looked at before each cell
}

// Usage is how much memory the notebook's processes use. What isn't counted
// is 0.
type Usage struct {
	Peak         int64 // the most bytes there were in use at a time
	Limit        int64 // bytes
	LimitReached bool
	OOMKills     int64 // processes that the system has killed for want of memory
}

func (r *run) usage() Usage {
	if r.opts.Memory == nil {
		return Usage{}
	}
	return r.opts.Memory.Usage()
}

// cause says that the system killed a process of the notebook's for want of
// memory since there were so many, or is empty.
func (u Usage) cause(before int64) string {
	switch {
	case u.OOMKills <= before:
		return ""
	case u.LimitReached:
		return fmt.Sprintf("its limit is %s (peak %s) and the system killed it", Size(u.Limit), Size(u.Peak))
	}
	return fmt.Sprintf("the machine had no more (peak %s) and the system killed it", Size(u.Peak))
}

// Cause says why a kernel that ended before its first cell was killed for want
// of memory, or is empty.
func (u Usage) Cause() string { return u.cause(0) }

// Size writes a number of bytes in the largest unit of which there are ten.
func Size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	value := float64(n)
	for ; value >= 10*1024 && i < len(units)-1; i++ {
		value /= 1024
	}
	return fmt.Sprintf("%.0f %s", value, units[i])
}

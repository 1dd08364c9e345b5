package local

import "quire"

// SlotIsolation is how a kernel is kept apart that has no job yet.
func (h *Host) SlotIsolation() quire.Isolation { return h.slotIsolation() }

// Filled returns the channel that tells the process ids of slots, of which
// there must be no more than it holds. It is called before Run.
func (s *Slots) Filled() <-chan int {
	s.filled = make(chan int, 16)
	return s.filled
}

// Learned returns the channel that tells of each lesson. It is called before Run.
func (l *Learner) Learned() <-chan struct{} {
	l.learned = make(chan struct{}, 64)
	return l.learned
}

// Lists is what a job's kernel is offered.
func (l *Learner) Lists(job quire.Job) [][]string { return l.lists(job) }

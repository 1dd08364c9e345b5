package local

// Filled returns the channel that tells the process ids of slots, of which
// there must be no more than it holds. It is called before Run.
func (s *Slots) Filled() <-chan int {
	s.filled = make(chan int, 16)
	return s.filled
}

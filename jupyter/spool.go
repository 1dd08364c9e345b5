package jupyter

import (
	"sync"

	"quire/jupyter/internal/zmtp"
)

// spool holds what the channels' readers have read until it is received. Its
// order is that of arrival. It is bounded in bytes for each channel apart, so
// that a flood on iopub does not keep a reply from being read.
type spool struct {
	limits map[Channel]int64
	wake   chan struct{}             // a token: something changed for the receiver
	room   map[Channel]chan struct{} // a token: something of that channel was taken

	mu    sync.Mutex
	queue []spooled
	head  int
	used  map[Channel]int64
	lost  map[Channel]error
	first error // the most telling error in lost
}

type spooled struct {
	channel Channel
	message *zmtp.Message
	cost    int64
}

func newSpool(limits map[Channel]int64) *spool {
	s := &spool{
		limits: limits,
		wake:   make(chan struct{}, 1),
		room:   map[Channel]chan struct{}{},
		used:   map[Channel]int64{},
		lost:   map[Channel]error{},
	}
	for ch := range limits {
		s.room[ch] = make(chan struct{}, 1)
	}
	return s
}

// cost is about what a message occupies in memory.
func cost(m *zmtp.Message) int64 {
	const perMessage, perPart = 96, 24
	n := int64(perMessage)
	for _, p := range m.Parts {
		n += perPart + int64(len(p))
	}
	return n
}

// put appends a message as soon as there is room for it, and returns false
// when done is closed before. A message beyond the limit waits until its
// channel has nothing else in the spool.
func (s *spool) put(ch Channel, m *zmtp.Message, done <-chan struct{}) bool {
	item := spooled{channel: ch, message: m, cost: cost(m)}
	for !s.tryPut(item) {
		select {
		case <-s.room[ch]:
		case <-done:
			return false
		}
	}
	signal(s.wake)
	return true
}

func (s *spool) tryPut(item spooled) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := s.used[item.channel]
	if used > 0 && used+item.cost > s.limits[item.channel] {
		return false
	}
	s.used[item.channel] = used + item.cost
	s.queue = append(s.queue, item)
	return true
}

// take removes the oldest message.
func (s *spool) take() (spooled, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == len(s.queue) {
		return spooled{}, false
	}
	item := s.queue[s.head]
	s.queue[s.head] = spooled{}
	s.head++
	switch {
	case s.head == len(s.queue):
		s.queue, s.head = s.queue[:0], 0
	case s.head >= 1024 && s.head > len(s.queue)/2:
		// Without this a queue that never runs empty would grow for ever.
		n := copy(s.queue, s.queue[s.head:])
		clear(s.queue[n:])
		s.queue, s.head = s.queue[:n], 0
	}
	s.used[item.channel] -= item.cost
	signal(s.room[item.channel])
	return item, true
}

func (s *spool) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head == len(s.queue)
}

// lose notes that nothing more comes on a channel.
func (s *spool) lose(ch Channel, err error, telling bool) {
	s.mu.Lock()
	s.lost[ch] = err
	if s.first == nil || telling {
		s.first = err
	}
	s.mu.Unlock()
	signal(s.wake)
}

// losses returns how many channels are lost, whether that is all of them, and
// why.
func (s *spool) losses() (n int, all bool, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lost), len(s.lost) == len(s.limits), s.first
}

func signal(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

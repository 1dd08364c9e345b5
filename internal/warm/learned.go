package warm

import (
	"crypto/sha256"
	"log/slog"
	"time"
)

// maxForgotten bounds the learned keys whose fork servers have ended.
const maxForgotten = 64

// learned is what a fork server with learned modules has besides. It is a
// luxury: it takes nothing from others, and goes first.
type learned struct {
	last time.Time // it was used
}

// Best returns what Socket does for the base, or better where a fork server of
// one of the better keys is ready: the first counts. Those have Learned modules.
// The first is started once the base's is ready, as long as there is room, or
// one that takes it is idle or is a worse key's; the others are only used while
// they are there.
func (p *Pool) Best(base Key, better ...Key) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	plain := p.use(base)
	ready := plain != nil && plain.ready
	for i, key := range better {
		e := p.entries[key.digest()]
		if e != nil && e.learned != nil && e.ready {
			p.clock++
			e.used, e.learned.last = p.clock, time.Now()
			return e.server.socket()
		}
		if i == 0 && ready && len(key.Learned) > 0 {
			p.startLearned(key, e, better[1:])
		}
	}
	if !ready {
		return ""
	}
	return plain.server.socket()
}

// startLearned starts the key's fork server if nothing speaks against it. E is
// its entry so far, or nil; worse keys' may go for it.
func (p *Pool) startLearned(key Key, e *entry, worse []Key) {
	now := time.Now()
	if p.closed || e != nil && (!e.ended || e.unsafe || now.Before(e.retry)) {
		return
	}
	replaced := map[*entry]bool{}
	for _, k := range worse {
		replaced[p.entries[k.digest()]] = true
	}
	if p.number() >= p.opts.Max && !p.evict(func(o *entry) bool { return replaced[o] || p.idle(o, now) }) {
		return
	}
	p.forget()
	p.start(key, &entry{learned: &learned{last: now}})
}

func (p *Pool) idle(e *entry, now time.Time) bool {
	return e.learned != nil && now.Sub(e.learned.last) >= p.opts.Idle
}

// forget drops the entry of a learned key that has ended, once there are many:
// lists of modules come and go.
func (p *Pool) forget() {
	n := 0
	var oldest [sha256.Size]byte
	var used *entry
	for id, e := range p.entries {
		if e.learned == nil || !e.ended {
			continue
		}
		n++
		if used == nil || e.used < used.used {
			oldest, used = id, e
		}
	}
	if n >= maxForgotten {
		delete(p.entries, oldest)
	}
}

// servingLearned ends a fork server that has just become ready, where it is not
// worth what it takes.
func (p *Pool) servingLearned(e *entry, logger *slog.Logger) {
	if e.server.spared < p.opts.Worth {
		logger.Info("learned modules are not preloaded: they take too little time", "milliseconds", e.server.spared.Milliseconds())
		e.unsafe = true
		e.end()
		return
	}
	now := time.Now()
	for p.memory() > p.opts.MaxMemory {
		if !p.evict(func(o *entry) bool { return o != e && p.idle(o, now) }) {
			logger.Info("learned modules are not preloaded: they need too much memory", "bytes", e.memory)
			e.retry = now.Add(p.opts.Idle)
			e.end()
			return
		}
	}
}

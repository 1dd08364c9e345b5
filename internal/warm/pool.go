package warm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Options bound a pool; nil means the defaults.
type Options struct {
	Dir       string        // this pool's alone, for the fork servers' own folders, see PoolDir; empty: each has one among the temporary folders
	Max       int           // fork servers at a time; 0: 4
	MaxMemory int64         // bytes of all together; 0: 1 GiB
	Start     time.Duration // for one to be ready; 0: one minute
	Retry     time.Duration // before one that failed is started again; 0: one minute
	Idle      time.Duration // unused, before one with learned modules makes room for another of these; 0: ten minutes
	Worth     time.Duration // that learned modules must take to be imported; 0: 50 ms, by which a kernel that has waited is faster than a fork
	Logger    *slog.Logger  // nil: none
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.Max == 0 {
		out.Max = 4
	}
	if out.MaxMemory == 0 {
		out.MaxMemory = 1 << 30
	}
	if out.Start == 0 {
		out.Start = time.Minute
	}
	if out.Retry == 0 {
		out.Retry = time.Minute
	}
	if out.Idle == 0 {
		out.Idle = 10 * time.Minute
	}
	if out.Worth == 0 {
		out.Worth = 50 * time.Millisecond
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	return out
}

// Pool keeps fork servers, one for each key, as long as they are used and
// there is room. Its methods are safe for concurrent use.
type Pool struct {
	opts    Options
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	entries map[[sha256.Size]byte]*entry
	clock   int64 // counts uses
}

// entry is a key's fork server, or the reason why there is none.
type entry struct {
	server  *forkServer
	ready   bool
	changed chan struct{} // closed when it is ready, or has ended
	ended   bool
	unsafe  bool      // never start it again
	retry   time.Time // not before this
	used    int64
	memory  int64
	learned *learned // nil: it is one that cannot be done without
}

// New returns an empty pool. What an earlier pool has left in Options.Dir, for
// it was killed, is removed.
func New(opts *Options) *Pool {
	p := &Pool{opts: opts.withDefaults(), entries: map[[sha256.Size]byte]*entry{}}
	if p.opts.Dir != "" {
		if err := os.RemoveAll(p.opts.Dir); err != nil {
			p.opts.Logger.Warn("remove what fork servers have left", "error", err)
		}
	}
	return p
}

// PoolDir returns the folder of the pool of the server that owns the data
// folder: always the same, so that the next server finds what one has left.
func PoolDir(data string) string {
	sum := sha256.Sum256([]byte(data))
	return filepath.Join(TempDir(), poolPrefix+hex.EncodeToString(sum[:6]))
}

// Socket returns where kernels of the key are forked, for Launch, or "" if
// there is no fork server yet, or cannot be. It starts one and does not wait.
func (p *Pool) Socket(key Key) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.use(key)
	if e == nil || !e.ready {
		return ""
	}
	return e.server.socket()
}

// Wait returns what Socket does once it is known: for a start that may as well
// take its time, and for tests.
func (p *Pool) Wait(key Key) string {
	for {
		p.mu.Lock()
		e := p.use(key)
		if e == nil || e.ended {
			p.mu.Unlock()
			return ""
		}
		ready, changed := e.ready, e.changed
		p.mu.Unlock()
		if ready {
			return e.server.socket()
		}
		<-changed
	}
}

// use returns the key's entry, with its fork server on the way; nil if it
// cannot have one now.
func (p *Pool) use(key Key) *entry {
	if p.closed || key.Python == "" {
		return nil
	}
	id := key.digest()
	e := p.entries[id]
	if e != nil && e.ended && (e.unsafe || time.Now().Before(e.retry)) {
		return e
	}
	if e == nil || e.ended {
		if !p.makeRoom() {
			return nil
		}
		e = p.start(key, &entry{})
	}
	p.clock++
	e.used = p.clock
	return e
}

func (p *Pool) start(key Key, e *entry) *entry {
	e.changed = make(chan struct{})
	p.entries[key.digest()] = e
	p.running.Go(func() { p.run(key, e) })
	return e
}

func (k Key) digest() [sha256.Size]byte {
	data, err := json.Marshal(k)
	if err != nil {
		panic(err) // strings alone
	}
	return sha256.Sum256(data)
}

// makeRoom ends the fork server that can best be spared, if there are as many
// as may be. One that is not ready yet is not ended.
func (p *Pool) makeRoom() bool {
	return p.number() < p.opts.Max || p.evict(func(*entry) bool { return true })
}

func (p *Pool) number() (n int) {
	for _, e := range p.entries {
		if !e.ended {
			n++
		}
	}
	return n
}

// evict ends the ready fork server that can best be spared of those that may
// go: with learned modules before others, and of these the one that was not
// used for longest.
func (p *Pool) evict(may func(*entry) bool) bool {
	var first *entry
	for _, e := range p.entries {
		if e.ready && may(e) && (first == nil || e.before(first)) {
			first = e
		}
	}
	if first == nil {
		return false
	}
	first.end()
	return true
}

func (e *entry) before(other *entry) bool {
	if (e.learned != nil) != (other.learned != nil) {
		return e.learned != nil
	}
	return e.used < other.used
}

func (e *entry) end() {
	e.ready, e.ended, e.memory = false, true, 0
	e.server.kill()
}

// run is the life of one fork server. Where an import ends it, or does not
// end itself, it is started again without that module.
func (p *Pool) run(key Key, e *entry) {
	logger := p.opts.Logger.With("python", key.Python)
	for {
		culprit, err := p.live(key, e, logger)
		p.mu.Lock()
		over := culprit == "" || e.ended || p.closed
		p.mu.Unlock()
		if over {
			p.lost(e, err, logger)
			return
		}
		logger.Warn("module is not preloaded: its import ends the interpreter, or takes too long", "module", culprit)
		key = key.without(culprit)
	}
}

// live starts a process and returns why it has ended, and the module that it
// was importing then.
func (p *Pool) live(key Key, e *entry, logger *slog.Logger) (culprit string, err error) {
	// It dies with this server, however busy it is: with the thread that forks
	// it, which therefore has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	server, err := startForkServer(p.opts.Dir, key)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	e.server = server
	if p.closed {
		server.kill()
	}
	p.mu.Unlock()
	limit := time.AfterFunc(p.opts.Start, server.kill)
	culprit, err = server.ready(logger)
	if limit.Stop() && err == nil {
		p.serving(e, logger)
	}
	if err == nil {
		_, _ = server.ready(logger) // until it ends: nothing is said on it any more
	} else {
		server.kill()
	}
	return culprit, errors.Join(err, server.wait())
}

// serving notes that it is ready, and what it weighs.
func (p *Pool) serving(e *entry, logger *slog.Logger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	e.ready, e.memory = true, e.server.memory()
	close(e.changed)
	if e.learned != nil {
		p.servingLearned(e, logger)
		return
	}
	for p.memory() > p.opts.MaxMemory {
		if !p.evict(func(o *entry) bool { return o != e }) {
			logger.Warn("kernels of this environment start cold: its modules need too much memory", "bytes", e.memory)
			e.unsafe = true
			e.end()
			return
		}
	}
}

func (p *Pool) memory() (sum int64) {
	for _, e := range p.entries {
		sum += e.memory
	}
	return sum
}

// lost notes that a fork server has ended. It is started again with its next
// use: at once if it was evicted or its packages changed, later if it failed.
func (p *Pool) lost(e *entry, err error, logger *slog.Logger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !e.ready && !e.ended {
		close(e.changed)
	}
	if !e.ended && err != nil && !p.closed {
		e.retry = time.Now().Add(p.opts.Retry)
		e.unsafe = errors.Is(err, errUnsafe)
		logger.Warn("fork server is lost, kernels start without it", "learned", e.learned != nil, "error", err)
	}
	e.ready, e.ended, e.memory = false, true, 0
}

// Close ends all fork servers and waits for them. Kernels that were forked
// live on.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, e := range p.entries {
		if e.server != nil && !e.ended {
			e.server.kill()
		}
	}
	p.mu.Unlock()
	p.running.Wait()
	if p.opts.Dir != "" {
		_ = os.RemoveAll(p.opts.Dir) // the next pool tries again
	}
}

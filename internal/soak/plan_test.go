package soak_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// plan makes rounds of a seed: the same seed, the same rounds. It holds no
// state, so that each can be had by its number.
type plan struct {
	seed   uint64
	faults []faultKind
}

func newPlan(seed uint64, only string) *plan {
	for seed == 0 {
		seed = rand.Uint64N(1_000_000)
	}
	p := &plan{seed: seed, faults: faultKinds()}
	if only != "" {
		chosen := strings.Split(only, ",")
		p.faults = slices.DeleteFunc(p.faults, func(k faultKind) bool { return !slices.Contains(chosen, string(k)) })
	}
	return p
}

// round is a part of a run that begins and ends with nothing under way.
type round struct {
	number      int
	submissions []submission // the first ones are the targets of faults
	faults      []fault      // in the order of their time
}

// submission is one execution that the plan asks for.
type submission struct {
	at          time.Duration // since the round's begin
	kind        kindName
	n           int           // input of the notebook
	key         string        // idempotency key
	twice       bool          // two requests at once
	again       bool          // a third one at the end of the round
	cancelAfter time.Duration // after the acceptance; where the kind is cancelled
}

// fault is one thing that the plan breaks.
type fault struct {
	at     time.Duration
	kind   faultKind
	target int           // of the submissions
	when   moment        // of the target
	kill   bool          // SIGKILL where another signal would do as well
	pause  time.Duration // how long it stays broken
	amount int           // of bytes, descriptors, restarts: what the kind makes of it
}

// moment is where in its life a target is hit.
type moment string

const (
	anyTime   moment = "any"      // as it comes
	starting  moment = "starting" // its executor is there, its kernel has not answered
	running   moment = "running"  // it waits at its gate
	finishing moment = "finishing"
)

const (
	targets      = 3
	othersLeast  = 6
	othersMost   = 11
	submitWithin = 4 * time.Second
	faultsLeast  = 3
	faultsMost   = 5
	faultsWithin = 6 * time.Second
)

func (p *plan) round(n int) round {
	rng := rand.New(rand.NewPCG(p.seed, uint64(n))) //nolint:gosec // a plan, and repeatable
	r := round{number: n}
	for range targets {
		r.submissions = append(r.submissions, submission{kind: pick(rng, gated, gated, gatedDaemons), at: upTo(rng, submitWithin/4)})
	}
	for range othersLeast + rng.IntN(othersMost-othersLeast+1) {
		r.submissions = append(r.submissions, submission{kind: pick(rng, otherKinds()...), at: upTo(rng, submitWithin)})
	}
	for i := range r.submissions {
		s := &r.submissions[i]
		s.n = 1 + rng.IntN(1000)
		s.key = key(rng)
		s.twice, s.again = rng.IntN(4) == 0, rng.IntN(4) == 0
		s.cancelAfter = upTo(rng, 3*time.Second)
	}
	for _, k := range p.deal(n) {
		r.faults = append(r.faults, fault{
			kind: k, at: upTo(rng, faultsWithin), target: rng.IntN(targets),
			when: pick(rng, anyTime, starting, running, running, finishing), kill: rng.IntN(2) == 0,
			pause: 200*time.Millisecond + upTo(rng, 1500*time.Millisecond), amount: rng.IntN(1 << 16),
		})
	}
	slices.SortStableFunc(r.faults, func(a, b fault) int { return int(a.at - b.at) })
	return r
}

// deal gives round n its kinds of faults, from shuffled decks that hold each
// kind once: a short run sees them all, too.
func (p *plan) deal(n int) []faultKind {
	if len(p.faults) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(p.seed, 0)) //nolint:gosec // as above
	var deck []faultKind
	for i := 1; ; i++ {
		size := faultsLeast + rng.IntN(faultsMost-faultsLeast+1)
		for len(deck) < size {
			next := slices.Clone(p.faults)
			rng.Shuffle(len(next), func(i, j int) { next[i], next[j] = next[j], next[i] })
			deck = append(deck, next...)
		}
		if i == n {
			return deck[:size]
		}
		deck = deck[size:]
	}
}

func (r round) String() string {
	var b strings.Builder
	for i, s := range r.submissions {
		fmt.Fprintf(&b, "%d %s n=%d at %s, twice %t, again %t, cancel after %s, key %s\n", i, s.kind, s.n, s.at, s.twice, s.again, s.cancelAfter, s.key)
	}
	for _, f := range r.faults {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

func (f fault) String() string {
	return fmt.Sprintf("%s at %s: target %d %s, kill %t, pause %s, amount %d", f.kind, f.at.Round(time.Millisecond), f.target, f.when, f.kill, f.pause.Round(time.Millisecond), f.amount)
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func upTo(rng *rand.Rand, d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }

func key(rng *rand.Rand) string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(rng.UintN(256))
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4
	return id.String()
}

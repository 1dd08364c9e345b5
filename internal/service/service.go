// Package service is what the API can do, in the domain's words: communities,
// projects and their files, and the executions of notebooks with the
// operations that clients wait for. It checks what the wire cannot, and
// declares what it needs of the parts that keep, run and hold things.
//
// How requests arrive belongs to grpcapi and rest, who sends them to auth, and
// when and where a notebook runs to dispatch.
package service

import (
	"cmp"
	"log/slog"
	"time"

	"quire"
)

// Parts are what a Service works with; all but Environments are required.
type Parts struct {
	Store      Store
	Deletions  DeletionStore
	Files      Files
	Archive    Archive
	Dispatcher Dispatcher
	Kernels    Kernels

	Environments Environments // nil: what projects declare does not count
}

// Options may be nil, and each zero field means its default.
type Options struct {
	Catalogue quire.Catalogue   // default quire.DefaultCatalogue
	Run       quire.RunSettings // the server's, over quire.DefaultRunSettings
	Policy    quire.Policy      // the server's, over quire.DefaultPolicy
	MaxQueued int               // executions that wait on the whole server; default 100,000, negative means no limit
	Expiry    time.Duration     // between two looks for what has expired; default 1 min
	Sender    Sender            // of notices; nil: there are no webhooks
	Logger    *slog.Logger      // default: nothing is logged
	Now       func() time.Time  // default time.Now
}

// Service answers the API's calls. Its methods are safe for concurrent use.
// Their errors are *quire.Error where the caller is at fault, and anything
// else where Quire is.
type Service struct {
	store      Store
	deletions  DeletionStore
	files      Files
	archive    Archive
	dispatcher Dispatcher
	kernels    Kernels
	sender     Sender

	environments Environments

	catalogue quire.Catalogue
	run       quire.RunSettings
	policy    quire.Policy
	maxQueued int
	expiry    time.Duration
	log       *slog.Logger
	now       func() time.Time

	deleted   bell // rings when a project was deleted
	stopped   bell // rings when Run ends: watchers are to go
	scheduled bell // rings when a schedule may be due at another time
}

const (
	defaultMaxQueued = 100_000
	defaultExpiry    = time.Minute
)

// New returns a Service. Its Run must be running for deletions to be finished,
// for executions to expire and for schedules to be fired.
func New(parts Parts, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	s := &Service{
		store:      parts.Store,
		deletions:  parts.Deletions,
		files:      parts.Files,
		archive:    parts.Archive,
		dispatcher: parts.Dispatcher,
		kernels:    parts.Kernels,
		sender:     opts.Sender,
		catalogue:  opts.Catalogue,
		run:        opts.Run.Or(quire.DefaultRunSettings()),
		policy:     opts.Policy.Or(quire.DefaultPolicy()),
		maxQueued:  cmp.Or(opts.MaxQueued, defaultMaxQueued),
		expiry:     opts.Expiry,
		log:        opts.Logger,
		now:        opts.Now,

		environments: parts.Environments,
	}
	if s.catalogue == nil {
		s.catalogue = quire.DefaultCatalogue()
	}
	if s.expiry <= 0 {
		s.expiry = defaultExpiry
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

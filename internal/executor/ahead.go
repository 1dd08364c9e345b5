package executor

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"time"

	"quire"
	"quire/internal/handover"
	"quire/jupyter"
)

// aheadLimit bounds the start of a kernel that nobody waits for yet.
const aheadLimit = 50 * time.Second

// ahead is what is special about a kernel that waits and was not forked: it is
// told in its own language whose it is, and what it has read at its start
// cannot be undone.
type ahead struct {
	language handover.Language
	lock     []byte // of its environment as it started
}

// newAhead gives the template an id of its own: by that the processes are
// known which were there before the job.
func newAhead(template *quire.Job, spec jupyter.Kernelspec) (*ahead, error) {
	language, err := handover.Of(spec)
	if err != nil {
		return nil, err
	}
	lock, err := lockOf(spec)
	if err != nil {
		return nil, err
	}
	template.ExecutionID = quire.ExecutionID(quire.NewID())
	template.Warm = nil
	return &ahead{language, lock}, nil
}

// handOver makes the kernel that of the job, if it is what a kernel would be
// that starts now.
func (a *ahead) handOver(ctx context.Context, k *kernel, spec jupyter.Kernelspec, job, template quire.Job, change handover.Change) error {
	lock, err := lockOf(spec)
	if err != nil {
		return err
	}
	own, machine := job.Isolation.Bounds, template.Isolation.Bounds
	switch {
	case !bytes.Equal(lock, a.lock) || !maps.Equal(spec.Env, k.spec.Env):
		return errors.New("packages have been installed or removed, or its kernelspec is another")
	case a.language.Sized && (own.CPUs != machine.CPUs || own.MemoryBytes != machine.MemoryBytes):
		return errors.New("it has made itself fit for the whole machine")
	}
	if err := a.language.Refusal(k.spec, change); err != nil {
		return err
	}
	if err := k.encl.enclose(k.PID()); err != nil {
		return err
	}
	return a.language.Do(ctx, k.client, change)
}

// mark is the id that stands in the environment of the kernel, and of what it
// had started, before there was a job.
func (s *slot) mark() quire.ExecutionID {
	if s == nil || s.ahead == nil {
		return ""
	}
	return s.template.ExecutionID
}

// enclose puts a process and all that descends from it into the group, or
// limits them. It waits for something to do: what it has started is there.
func (e *enclosure) enclose(pid int) error {
	done := map[int]bool{}
	for {
		more := false
		for _, p := range append(descendants(pid), pid) {
			if done[p] {
				continue
			}
			done[p], more = true, true
			if err := e.prepareBy(p, pinThreads); err != nil && processStart(p) != "" {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

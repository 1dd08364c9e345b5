package executor

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/cgroup"
	"quire/internal/runner"
	"quire/jupyter"
)

// enclosure is what keeps the processes of one execution to themselves: their
// control group and their temporary folders, as the job's isolation has it.
type enclosure struct {
	isolation quire.Isolation
	dir       string        // private; the temporary folders are made in it
	group     *cgroup.Group // nil: there is none
	born      bool          // the kernel is in the group since its start, before there was a job
	made      bool          // the temporary folders are there
	yielding  sync.WaitGroup
}

// open makes what the isolation asks for.
func (e *enclosure) open() error {
	if err := e.makeTmp(); err != nil {
		return err
	}
	b := e.isolation.Bounds
	return e.makeGroup(cgroup.Limits{Memory: b.MemoryBytes, CPUs: float64(b.CPUs), Processes: b.Processes})
}

// makeGroup makes the group, or limits the one that was there before the job.
func (e *enclosure) makeGroup(limits cgroup.Limits) (err error) {
	switch {
	case e.group != nil:
		return e.group.Limit(limits)
	case len(e.isolation.Groups) == 0:
		return nil
	}
	if e.group, err = cgroup.Create(e.isolation.Groups, limits); err == nil {
		// Not before there is need for it: a kernel will be there in some 10 ms.
		e.yielding.Go(func() { cgroup.Yield(e.isolation.Groups) })
	}
	return err
}

func (e *enclosure) makeTmp() error {
	if e.isolation.Tmp == quire.SharedTmp || e.made {
		return nil
	}
	e.made = true
	return e.tmp().make()
}

func (e *enclosure) tmp() tmpFolders { return tmpFolders{e.dir} }

// close ends every process of the execution, and removes what open has made.
// What can't be removed now is left to the server.
func (e *enclosure) close(logger *slog.Logger) {
	e.yielding.Wait()
	if e.group != nil {
		if err := e.group.Kill(); err != nil {
			logger.Error("end the notebook's processes", "error", err)
		}
	}
	killDescendants(logger)
	if e.group != nil {
		if err := e.group.Remove(); err != nil {
			logger.Error("remove control group", "error", err)
		}
		e.group = nil
	}
	if err := e.tmp().remove(); err != nil {
		logger.Error("remove private folders", "error", err)
	}
}

// options adds to a kernel's launch what encloses it. The caller closes the
// file that they hold, if there is one, after the launch.
func (e *enclosure) options(o *jupyter.LaunchOptions, job quire.Job, spec jupyter.Kernelspec) error {
	if e == nil {
		return nil
	}
	if e.group != nil {
		var err error
		if o.Cgroup, err = e.group.Folder(); err != nil {
			return err
		}
	}
	seen := visible(job, spec, filepath.Dir(o.ConnectionFile))
	o.Confine = func(fork func() (int, error)) error { return e.confine(seen, fork) }
	return nil
}

// confine is the kernel's jupyter.Confine: it runs on the thread that forks.
func (e *enclosure) confine(seen []string, fork func() (int, error)) (err error) {
	if e.isolation.Tmp == quire.MountedTmp {
		if err := e.tmp().mount(seen); err != nil {
			return fmt.Errorf("mount private /tmp: %w", err)
		}
	}
	// What let a user's executor mount is not for the notebook. This fails
	// where there is nothing to drop.
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	b := e.isolation.Bounds
	switch {
	case e.group == nil && b.By == "":
		_, err = fork()
		return err
	case e.group == nil:
		return limited(b, fork)
	case b.CPUs > 0 && !e.group.LimitsCPU():
		if err := pin(0, b.CPUs); err != nil {
			return err
		}
	}
	e.yielding.Wait() // it moves every thread of this process: this one would be taken out of the group again
	leave, err := e.group.Enter()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }() // or what ends the group would end us
	_, err = fork()
	return err
}

// env is what the kernel's environment becomes.
func (e *enclosure) env(env []string) []string {
	if e == nil || e.isolation.Tmp == quire.SharedTmp {
		return env
	}
	env = without(env, "TMPDIR")
	if e.isolation.Tmp == quire.NamedTmp {
		env = append(env, "TMPDIR="+e.tmp().path())
	}
	return env
}

// bounds are what the kernel is told to be held to; nil where there is nothing.
func (e *enclosure) bounds() *quire.Bounds {
	if e == nil || e.isolation.Bounds.By == "" {
		return nil
	}
	return &e.isolation.Bounds
}

// usage reads the group's counters, where there is one.
func (e *enclosure) usage() (runner.Usage, bool) {
	if e == nil || e.group == nil {
		return runner.Usage{}, false
	}
	s := e.group.Stats()
	return runner.Usage{Peak: s.MemoryPeak, Limit: s.MemoryLimit, LimitReached: s.LimitReached, OOMKills: s.OOMKills}, true
}

// closeInherited keeps what this process was started with, beside its standard
// files, from the kernel.
func closeInherited() error {
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("close inherited descriptors: %w", err)
	}
	return nil
}

package executor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An executor that waits has no folder of a job for its identity. It keeps it
// in one of its own, in that of the template, before it makes anything: so the
// next server finds what is left where both were killed.

func (s *slot) write() error {
	if s.template.Dir == "" {
		return nil
	}
	s.note = filepath.Join(s.template.Dir, filepath.Base(s.server.dir))
	if err := os.MkdirAll(s.note, 0o700); err != nil {
		return fmt.Errorf("note where it waits: %w", err)
	}
	id := Identity{PID: os.Getpid(), Started: processStart(os.Getpid()), Boot: bootID(), Dir: s.note, RunDir: s.server.dir}
	return id.write(s.note)
}

// forget removes the note: the identity is in a job's folder, or nothing is
// left to be found by it.
func (s *slot) forget() {
	if s != nil && s.note != "" {
		_ = os.RemoveAll(s.note) // the next server does
	}
}

// SweepWaiting removes what executors that waited have left, as their notes in
// dir say, unless they are alive: then they find out that their server is gone.
func SweepWaiting(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for executors that waited: %w", err)
	}
	var errs []error
	for _, e := range entries {
		note := filepath.Join(dir, e.Name())
		id, err := ReadIdentity(note)
		if err == nil && id.Alive() {
			continue
		}
		if err == nil {
			err = id.RemoveRunDir()
		} else {
			err = nil // it was killed before it had made anything
		}
		errs = append(errs, err, os.RemoveAll(note))
	}
	return errors.Join(errs...)
}

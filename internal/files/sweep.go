package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"quire"
)

// Sweep removes the folders of projects that known does not know: a server
// died between making the folder and storing the project. Such a folder is
// empty; one that is not is left alone, whatever the store has lost. It returns
// how many it removed. Nobody may create projects meanwhile.
func (s *Store) Sweep(ctx context.Context, known func(context.Context, quire.ProjectID) (bool, error)) (int, error) {
	a := s.projects
	return a.sweep(ctx, func(id string) (bool, error) {
		if there, err := known(ctx, quire.ProjectID(id)); there || err != nil {
			return false, err
		}
		err := a.data.Remove(a.item(id))
		if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
			return false, nil
		}
		return err == nil, err
	})
}

// Sweep is Store.Sweep for executions. What was never accepted was never given
// to an executor: a folder with a job or a journal is left alone.
func (a *Archive) Sweep(ctx context.Context, known func(context.Context, quire.ExecutionID) (bool, error)) (int, error) {
	area := a.executions
	return area.sweep(ctx, func(id string) (bool, error) {
		if there, err := known(ctx, quire.ExecutionID(id)); there || err != nil {
			return false, err
		}
		for _, name := range []string{layout.JobPath(), layout.JournalPath()} {
			if _, err := area.data.Lstat(path.Join(area.item(id), name)); !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
		}
		err := area.discard(id)
		return err == nil, err
	})
}

// sweep calls remove for every folder of the area and counts those that it
// removed. What is no folder, or has no id for a name, is not of Quire's making.
func (a *area) sweep(ctx context.Context, remove func(id string) (bool, error)) (removed int, err error) {
	folder, err := a.data.Open(a.name)
	if err != nil {
		return 0, fmt.Errorf("list %s: %w", a.name, bare(err))
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return 0, fmt.Errorf("list %s: %w", a.name, bare(err))
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		if !entry.IsDir() || !validID(entry.Name()) {
			continue
		}
		gone, err := remove(entry.Name())
		if err != nil {
			return removed, bare(err)
		}
		if gone {
			removed++
		}
	}
	if removed == 0 {
		return 0, nil
	}
	return removed, a.syncFolder(a.name)
}

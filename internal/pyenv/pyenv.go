// Package pyenv keeps Python environments: it reads what a project declares,
// lets uv resolve that to a lock, builds each lock once for each Python, and
// gives the environment to whoever needs the same one again.
//
// An environment is a folder named by its digest. It is there whole or not at
// all, whoever dies while it is built, and several processes may work on one
// store at a time. What may be in a declaration is decided here, for it comes
// from a project and is hostile; what a notebook does with its environment is
// the executor's, and resolving and installing are uv's.
package pyenv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The folders of a store, beside the environments themselves.
const (
	resolvedDir = ".resolved" // what declarations were resolved to
	locksDir    = ".locks"    // locks by digest; they outlive their environments
	guardsDir   = ".guards"   // files that are locked
	buildingDir = ".building" // what grows; whatever a crash leaves there is rubbish
	cacheDir    = ".cache"    // uv's, unless the settings name another
	ownUVDir    = ".uv"       // uv, where the machine has none
)

const settingsFile = "settings.json"

// Store is a folder of environments. Its methods are safe for concurrent use,
// by other processes too.
type Store struct {
	dir      string
	settings Settings
}

// Create opens the store in the folder dir, which it makes where there is
// none, and keeps the settings there for those who Open it.
func Create(dir string, settings Settings) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find environments: %w", err)
	}
	if err := settings.check(); err != nil {
		return nil, err
	}
	for _, name := range []string{resolvedDir, locksDir, guardsDir, buildingDir, cacheDir} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("make folder of environments: %w", err)
		}
	}
	data, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("keep settings of environments: %w", err)
	}
	if err := writeFile(filepath.Join(dir, settingsFile), data); err != nil {
		return nil, fmt.Errorf("keep settings of environments: %w", err)
	}
	return &Store{dir, settings}, nil
}

// Open opens the store that a server has made.
func Open(dir string) (*Store, error) {
	data, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if err != nil {
		return nil, fmt.Errorf("open environments: %w", err)
	}
	s := &Store{dir: dir}
	if err := json.Unmarshal(data, &s.settings); err != nil {
		return nil, fmt.Errorf("open environments: %w", err)
	}
	return s, nil
}

// Dir is the store's folder, for Open.
func (s *Store) Dir() string { return s.dir }

// prefix is the folder of an environment.
func (s *Store) prefix(digest string) string { return filepath.Join(s.dir, digest) }

func (s *Store) path(folder, name string) string { return filepath.Join(s.dir, folder, name) }

// writeFile writes a file whole or not at all.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// readJSON reads a file that Quire has written; false where there is none.
func readJSON(path string, v any) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(data, v)
}

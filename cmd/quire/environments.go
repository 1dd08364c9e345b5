package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"quire/internal/cli"
	"quire/internal/pyenv"
)

// openEnvironments opens the store of the environments that projects declare.
// Python is the interpreter for those that ask for no version of their own.
func openEnvironments(o cli.EnvironmentOptions, data, python string) (*pyenv.Store, error) {
	settings := pyenv.Settings{
		Python: python,
		Index:  o.Index, ExtraIndexes: o.ExtraIndexes,
		Offline: o.Offline, AllowBuilds: o.AllowBuilds, PythonDownloads: o.PythonDownloads,
		MaxUnused: o.MaxUnused, MaxKept: o.MaxKept,
		Env: pyenv.NetworkEnv(os.Environ()),
	}
	if o.UV != "" {
		program, err := exec.LookPath(o.UV)
		if err != nil {
			return nil, fmt.Errorf("--uv %s is no program that can be run", o.UV)
		}
		if settings.UV, err = filepath.Abs(program); err != nil {
			return nil, fmt.Errorf("find uv: %w", err)
		}
	}
	var err error
	if settings.Credentials, err = absolute(o.Credentials); err != nil {
		return nil, err
	}
	if settings.Cache, err = absolute(o.Cache); err != nil {
		return nil, err
	}
	for _, dir := range o.FindLinks {
		path, err := absolute(dir)
		if err != nil {
			return nil, err
		}
		settings.FindLinks = append(settings.FindLinks, path)
	}
	return pyenv.Create(filepath.Join(data, "environments"), settings)
}

// absolute leaves alone what nobody has named.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	return abs, nil
}

package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"quire"
	"quire/internal/cli"
	"quire/internal/local"
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

// built finds declared environments for package local. The lease is not kept:
// the executor takes its own, and a fork server whose environment is removed
// forks no more.
func built(store *pyenv.Store, logger *slog.Logger) func(quire.EnvironmentDeclaration, []string) (local.Place, bool) {
	return func(d quire.EnvironmentDeclaration, env []string) (local.Place, bool) {
		lease, err := store.Lookup(d)
		if err != nil {
			logger.Warn("kernel starts cold: cannot look up its environment", "error", err)
		}
		if lease == nil {
			return local.Place{}, false
		}
		defer lease.Release()
		return local.Place{KernelPath: []string{lease.KernelPath()}, Env: lease.Environ(env)}, true
	}
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

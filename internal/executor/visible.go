package executor

import (
	"path/filepath"
	"strings"

	"quire"
	"quire/jupyter"
)

// visible returns the paths that the operator's settings name, which a kernel
// must see as they are even where they lie in a temporary folder: the project,
// the kernel's program and environment, and its sockets. What inputs name is
// not among them.
func visible(job quire.Job, spec jupyter.Kernelspec, sockets string) []string {
	paths := []string{sockets, job.WorkDir, projectDir(job), spec.Dir}
	if prefix, ok := strings.CutSuffix(filepath.Dir(spec.Dir), "/share/jupyter/kernels"); ok {
		paths = append(paths, prefix)
	}
	for _, arg := range spec.Argv {
		paths = append(paths, withFolder(arg)...)
	}
	for _, entry := range job.Env {
		if name, value, _ := strings.Cut(entry, "="); name != "TMPDIR" {
			paths = append(paths, listed(value)...)
		}
	}
	for _, value := range spec.Env {
		paths = append(paths, listed(value)...)
	}
	var found []string
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			continue
		}
		found = append(found, filepath.Clean(path))
		if real, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, withFolder(real)...)
		}
	}
	return found
}

// projectDir is the folder that the job's notebook is named from.
func projectDir(job quire.Job) string {
	folder := filepath.Dir(filepath.FromSlash(job.Notebook))
	if root, ok := strings.CutSuffix(job.WorkDir, string(filepath.Separator)+folder); ok {
		return root
	}
	return job.WorkDir
}

// listed returns the paths of a value such as PATH's.
func listed(value string) []string {
	var paths []string
	for _, path := range filepath.SplitList(value) {
		paths = append(paths, withFolder(path)...)
	}
	return paths
}

// withFolder returns a path and, where it is a folder of programs or a program
// in one, the environment that they belong to.
func withFolder(path string) []string {
	switch {
	case filepath.Base(path) == "bin":
		return []string{path, filepath.Dir(path)}
	case filepath.Base(filepath.Dir(path)) == "bin":
		return []string{path, filepath.Dir(filepath.Dir(path))}
	}
	return []string{path}
}

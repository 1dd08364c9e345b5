package executor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"quire/jupyter"
)

// lockOf returns what the kernel's environment holds at this moment, in the
// form that environment.lock keeps: for a Python environment its distributions,
// one a line as NAME==VERSION under a comment with Python's version; for any
// other kernel its kernel.json, byte for byte.
func lockOf(spec jupyter.Kernelspec) ([]byte, error) {
	if prefix, ok := spec.PythonPrefix(); ok {
		lock, err := distributions(prefix)
		if err != nil || lock != nil {
			return lock, err
		}
	}
	lock, err := os.ReadFile(filepath.Join(spec.Dir, "kernel.json"))
	if err != nil {
		return nil, fmt.Errorf("read kernelspec: %w", err)
	}
	return lock, nil
}

// distributions lists what is installed in a Python environment, nil where
// there is no place for it. It reads folder names only: a Python that was
// asked would take longer than the kernel's start.
func distributions(prefix string) ([]byte, error) {
	places, err := filepath.Glob(filepath.Join(prefix, "lib", "python3*", "site-packages"))
	if err != nil || len(places) == 0 {
		return nil, err
	}
	var lines []string
	for _, place := range places {
		entries, err := os.ReadDir(place)
		if err != nil {
			return nil, fmt.Errorf("list environment: %w", err)
		}
		for _, e := range entries {
			if line, ok := distribution(e.Name()); ok {
				lines = append(lines, line)
			}
		}
	}
	slices.Sort(lines)
	var b bytes.Buffer
	for _, line := range append(pythonLines(prefix), slices.Compact(lines)...) {
		b.WriteString(line + "\n")
	}
	return b.Bytes(), nil
}

var separators = regexp.MustCompile(`[-_.]+`)

// distribution reads the name of a .dist-info folder. The project's name is
// written in the one form that the package index compares.
func distribution(folder string) (string, bool) {
	full, ok := strings.CutSuffix(folder, ".dist-info")
	i := strings.LastIndexByte(full, '-')
	if !ok || i <= 0 || i == len(full)-1 || strings.ContainsAny(full, "\r\n") {
		return "", false
	}
	return strings.ToLower(separators.ReplaceAllString(full[:i], "-")) + "==" + full[i+1:], true
}

// pythonLines are the comments that an environment's own file has something
// for: which Python it is of, and whether it shows that one's packages too.
func pythonLines(prefix string) []string {
	data, err := os.ReadFile(filepath.Join(prefix, "pyvenv.cfg"))
	if err != nil {
		return nil // it is not a virtual environment
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "version", "version_info":
			lines = append(lines, "# python "+value)
		case "include-system-site-packages":
			if value == "true" {
				lines = append(lines, "# and the packages of the system, which are not listed")
			}
		}
	}
	return lines
}

// keep makes data the content of a file, durably, unless it is that already.
func keep(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp, err := writeBeside(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// writeBeside fills a file beside path, durably, for its caller to give it that
// name, and returns its own; none is left after an error.
func writeBeside(path string, fill func(io.Writer) error) (tmp string, err error) {
	tmp = path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(tmp))
	}
	return tmp, nil
}

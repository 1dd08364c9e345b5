package handover

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"quire/jupyter"
)

// Refusal says why the change comes too late for a kernel of this kernelspec,
// or returns nil: the kernel has read at its start what is another for the job.
func (l Language) Refusal(spec jupyter.Kernelspec, c Change) error {
	names := c.names()
	for _, name := range names {
		if _, given := spec.Env[name]; given || matches(readByAll, name) || matches(l.read, name) {
			return fmt.Errorf("%s is read when it starts", name)
		}
	}
	for _, name := range l.local {
		if exists(filepath.Join(c.Dir, name)) {
			return fmt.Errorf("%s of the folder is read when it starts", name)
		}
	}
	for _, name := range l.above {
		for dir := c.Dir; ; dir = filepath.Dir(dir) {
			if exists(filepath.Join(dir, name)) {
				return fmt.Errorf("%s of the folder, or of one above it, is read when it starts", name)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	home := variables(c.From)["HOME"]
	if strings.ContainsAny(home, `*?[\`) {
		return errors.New("the files of its home cannot be looked for")
	}
	if len(glob(home, l.configured)) > 0 {
		return errors.New("it is configured by files of the user's")
	}
	for _, path := range glob(home, l.profiles) {
		if err := mentions(path, names); err != nil {
			return err
		}
	}
	return nil
}

// matches reports whether one of the patterns is the name, or its beginning
// where it ends with a star.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(p, "*"); p == name || ok && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func glob(home string, patterns []string) (found []string) {
	for _, p := range patterns {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			if !filepath.IsAbs(home) {
				continue
			}
			p = filepath.Join(home, rest)
		}
		paths, err := filepath.Glob(p)
		if err == nil { // the patterns are right
			found = append(found, paths...)
		}
	}
	return found
}

// maxProfile bounds a file that is looked through.
const maxProfile = 1 << 20

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// mentions returns an error if the file has one of the names in it, or cannot
// be looked through.
func mentions(path string, names []string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return nil //nolint:nilerr // what cannot be found is not run
	}
	if !info.Mode().IsRegular() || info.Size() > maxProfile {
		return fmt.Errorf("%s cannot be looked through", filepath.Base(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // the kernel could not read it either
	}
	defer f.Close() // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxProfile))
	if err != nil {
		return fmt.Errorf("%s cannot be looked through: %w", filepath.Base(path), err)
	}
	there := map[string]bool{}
	for _, w := range word.FindAllString(string(text), -1) {
		there[w] = true
	}
	for _, name := range names {
		if there[name] {
			return fmt.Errorf("%s may be read by %s when it starts", name, filepath.Base(path))
		}
	}
	return nil
}

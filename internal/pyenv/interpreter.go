package pyenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"quire"
)

// interpreter is a Python that environments are made from, and what shows
// that its program has been replaced since.
type interpreter struct {
	Path           string    `json:"path"` // no environment's own
	Version        string    `json:"version"`
	Implementation string    `json:"implementation"`
	Platform       string    `json:"platform"`
	Size           int64     `json:"size"`
	Modified       time.Time `json:"modified"`
}

// unchanged reports whether the program is still the one that was asked.
func (p interpreter) unchanged() bool {
	info, err := os.Stat(p.Path)
	return err == nil && info.Size() == p.Size && info.ModTime().Equal(p.Modified)
}

const aboutPython = `import json, os, platform, sys, sysconfig
print(json.dumps({
    "path": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "platform": sysconfig.get_platform(),
}))`

// inspect asks a Python what it is. Of an environment's it describes the one
// below.
func (s *Store) inspect(ctx context.Context, program string) (interpreter, error) {
	out, err := s.run(ctx, command{program: program, args: []string{"-I", "-c", aboutPython}, env: []string{"PATH=" + os.Getenv("PATH")}})
	if err != nil {
		return interpreter{}, fmt.Errorf("ask Python what it is: %w", err)
	}
	var p interpreter
	if err := json.Unmarshal(out, &p); err != nil {
		return interpreter{}, fmt.Errorf("ask Python what it is: %w", err)
	}
	info, err := os.Stat(p.Path)
	if err != nil {
		return interpreter{}, fmt.Errorf("ask Python what it is: %w", err)
	}
	p.Size, p.Modified = info.Size(), info.ModTime().UTC()
	return p, nil
}

// python finds the interpreter for a declaration: the server's own if that is
// fit, else one that uv finds.
func (s *Store) python(ctx context.Context, d quire.EnvironmentDeclaration) (interpreter, error) {
	own, err := s.inspect(ctx, s.settings.Python)
	if err != nil || d.Python == "" {
		return own, err
	}
	find := []string{"python", "find", "--system", "--no-project", d.Python}
	for _, path := range []string{filepath.Dir(own.Path), os.Getenv("PATH")} {
		var found []byte
		if found, err = s.uv(ctx, uvCommand{args: find, path: path}); err == nil {
			return s.inspect(ctx, strings.TrimSpace(string(found)))
		}
	}
	if ctx.Err() != nil {
		return interpreter{}, context.Cause(ctx)
	}
	return interpreter{}, quire.Errorf(quire.FailedPrecondition, "%s asks for Python %s, and the server has none: it runs notebooks on Python %s",
		d.Path, d.Python, own.Version)
}

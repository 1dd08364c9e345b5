package pyenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"quire"
)

// kernelPackage runs a notebook's cells; an environment that lacks it gets it.
const kernelPackage = "ipykernel"

// resolution is what a declaration was resolved to. The lock itself is beside
// it, under its digest.
type resolution struct {
	Digest string                  `json:"digest"`
	Python interpreter             `json:"python"`
	Added  []string                `json:"added,omitempty"`
	Source quire.EnvironmentSource `json:"source"`
}

// key identifies a declaration and all in the settings that its resolution
// depends on. Where the declaration lies is no part of it: projects with the
// same text share what was resolved for one.
func (s *Store) key(d quire.EnvironmentDeclaration) (string, error) {
	d.Path = ""
	data, err := json.Marshal(struct {
		Declaration  quire.EnvironmentDeclaration
		Python       string
		Index        string
		ExtraIndexes []string
		FindLinks    []string
		AllowBuilds  bool
	}{d, s.settings.Python, s.settings.Index, s.settings.ExtraIndexes, s.settings.FindLinks, s.settings.AllowBuilds})
	if err != nil {
		return "", fmt.Errorf("identify environment: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// resolved returns what the declaration was resolved to before, if the Python
// of then is still there.
func (s *Store) resolved(key string) (resolution, bool, error) {
	var r resolution
	found, err := readJSON(s.path(resolvedDir, key+".json"), &r)
	if err != nil {
		return r, false, fmt.Errorf("read resolution: %w", err)
	}
	return r, found && r.Python.unchanged(), nil
}

// resolve returns what the declaration is resolved to, and lets uv do that if
// nobody has before, or if it is to be done afresh.
func (s *Store) resolve(ctx context.Context, d quire.EnvironmentDeclaration, fresh bool, tell Tell) (resolution, error) {
	key, err := s.key(d)
	if err != nil {
		return resolution{}, err
	}
	if r, found, err := s.resolved(key); found && !fresh || err != nil {
		return r, err
	}
	g, err := s.openGuard(key)
	if err != nil {
		return resolution{}, err
	}
	defer g.release()
	waited := false
	err = g.take(ctx, func() {
		waited = true
		tell(quire.EnvironmentProgress{Phase: quire.EnvironmentWaiting})
	})
	if err != nil {
		return resolution{}, err
	}
	if r, found, err := s.resolved(key); found && (!fresh || waited) || err != nil {
		return r, err
	}
	tell(quire.EnvironmentProgress{Phase: quire.EnvironmentResolving})
	r, l, err := s.resolveAnew(ctx, d)
	if err != nil {
		return resolution{}, unresolved(d, err)
	}
	return r, s.keep(key, r, l)
}

// keep makes the lock and then the resolution durable.
func (s *Store) keep(key string, r resolution, l lock) error {
	if err := writeFile(s.path(locksDir, r.Digest+".txt"), []byte(l.text(r.Python))); err != nil {
		return fmt.Errorf("keep lock: %w", err)
	}
	data, err := json.Marshal(r)
	if err == nil {
		err = writeFile(s.path(resolvedDir, key+".json"), data)
	}
	if err != nil {
		return fmt.Errorf("keep resolution: %w", err)
	}
	return nil
}

// unresolved puts what uv says into an error for the client.
func unresolved(d quire.EnvironmentDeclaration, err error) error {
	f, ok := errors.AsType[*failed](err)
	if !ok {
		return err
	}
	return &quire.Error{
		Code: quire.FailedPrecondition, Err: f.err,
		Message: fmt.Sprintf("the Python environment that %s declares cannot be resolved: %s", d.Path, explain(f.stderr)),
	}
}

func (s *Store) resolveAnew(ctx context.Context, d quire.EnvironmentDeclaration) (resolution, lock, error) {
	p, err := s.python(ctx, d)
	if err != nil {
		return resolution{}, nil, err
	}
	dir := s.path(buildingDir, "resolve-"+quire.NewID())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return resolution{}, nil, fmt.Errorf("resolve environment: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // Collect finds what is left
	c := compiler{store: s, dir: dir, python: p, newest: d.ExcludeNewer}
	base, err := c.base(ctx, d)
	if err != nil {
		return resolution{}, nil, err
	}
	l, added := base, []string(nil)
	if !base.has(kernelPackage) {
		more, err := c.addition(ctx, base)
		if err != nil {
			return resolution{}, nil, err
		}
		l, added = base.with(more)
	}
	if err := l.check(); err != nil {
		return resolution{}, nil, quire.Errorf(quire.FailedPrecondition, "the Python environment that %s declares cannot be locked: %v", d.Path, err)
	}
	return resolution{Digest: digest(l.text(p)), Python: p, Added: added, Source: d.Source}, l, nil
}

// compiler lets uv make locks in a folder that holds nothing else.
type compiler struct {
	store  *Store
	dir    string
	python interpreter
	newest string
}

// base is the lock of what is declared, and of nothing else.
func (c compiler) base(ctx context.Context, d quire.EnvironmentDeclaration) (lock, error) {
	if d.Source == quire.ProjectLock {
		return c.project(ctx, d)
	}
	file := filepath.Base(d.Path)
	if d.Source == quire.ScriptBlock {
		file = "script"
	}
	var bare []string
	declared := map[string][]string{}
	for _, text := range d.Requirements {
		r, hashes := splitHashes(text)
		bare = append(bare, r)
		if m := lockedLine.FindStringSubmatch(r); m != nil {
			declared[normalName(m[1])+"=="+m[2]] = hashes
		}
	}
	var bounds []string
	for _, text := range d.Constraints {
		r, _ := splitHashes(text)
		bounds = append(bounds, r)
	}
	l, err := c.compile(ctx, file, bare, bounds)
	if err != nil {
		return nil, err
	}
	l.pin(declared)
	return l, nil
}

// addition is the lock of what must come along to run a kernel. It moves no
// package of base.
func (c compiler) addition(ctx context.Context, base lock) (lock, error) {
	var bounds []string
	for _, p := range base {
		bounds = append(bounds, p.Name+"=="+p.Version)
	}
	return c.compile(ctx, "kernel.in", []string{kernelPackage}, bounds)
}

// project exports a uv.lock, after uv has made sure that it fits its
// pyproject.toml, and takes of it what this Python needs.
func (c compiler) project(ctx context.Context, d quire.EnvironmentDeclaration) (lock, error) {
	indexes, err := registries(d.Path, d.Lock)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"pyproject.toml": d.Project, "uv.lock": d.Lock} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("resolve environment: %w", err)
		}
	}
	// Offline, for everything that it needs is in the lock: what is not there
	// means that the lock is out of date. The indexes are those of the lock, or
	// uv would take it for another server's.
	out, err := c.store.uv(ctx, uvCommand{
		dir: c.dir,
		env: []string{"UV_INDEX=" + strings.Join(indexes, " "), "UV_OFFLINE=1"},
		args: []string{
			"export", "--quiet", "--locked", "--no-build", "--no-emit-project", "--no-header", "--no-annotate",
			"--format", "requirements-txt", "--python", c.python.Path,
		},
	})
	if f, ok := errors.AsType[*failed](err); ok {
		return nil, &quire.Error{
			Code: quire.FailedPrecondition, Err: f.err,
			Message: fmt.Sprintf("%s does not fit the pyproject.toml beside it; write it anew with uv lock: %s", d.Path, explain(f.stderr)),
		}
	}
	if err != nil {
		return nil, err
	}
	var bare []string
	declared := map[string][]string{}
	for _, exported := range logicalLines(string(out)) {
		if err := checkRequirement(d.Path, "a package of it", exported.text); err != nil {
			return nil, err
		}
		r, hashes := splitHashes(exported.text)
		bare = append(bare, r)
		if m := lockedLine.FindStringSubmatch(r); m != nil {
			declared[normalName(m[1])+"=="+m[2]] = hashes
		}
	}
	l, err := c.compile(ctx, "uv.lock.in", bare, nil, "--no-deps")
	if err != nil {
		return nil, err
	}
	l.pin(declared)
	return l, nil
}

// compile resolves requirements within bounds.
func (c compiler) compile(ctx context.Context, file string, requirements, bounds []string, more ...string) (lock, error) {
	args := []string{
		"pip", "compile", file, "--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--python", c.python.Path,
	}
	if len(bounds) > 0 {
		args = append(args, "--constraints", "constraints.txt")
		if err := c.write("constraints.txt", bounds); err != nil {
			return nil, err
		}
	}
	if c.newest != "" {
		args = append(args, "--exclude-newer", c.newest)
	}
	if err := c.write(file, requirements); err != nil {
		return nil, err
	}
	out, err := c.store.uv(ctx, uvCommand{args: append(args, more...), dir: c.dir, packages: true})
	if err != nil {
		return nil, err
	}
	return parseLock(string(out))
}

func (c compiler) write(file string, lines []string) error {
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("resolve environment: %w", err)
	}
	return nil
}

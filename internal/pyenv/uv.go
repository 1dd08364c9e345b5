package pyenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"quire"
)

// uvVersion is the one that is installed where the machine has no uv.
const uvVersion = "0.13.9"

// uvCommand is one call of uv.
type uvCommand struct {
	args     []string
	dir      string
	path     string   // PATH; empty: this process's
	packages bool     // it takes packages from the indexes
	env      []string // over all else
	lines    func(string)
}

// uv runs uv and returns its standard output. Neither the configuration of a
// user nor that of a project counts, only the store's settings. What uv itself
// says against it is a *failed.
func (s *Store) uv(ctx context.Context, c uvCommand) ([]byte, error) {
	program, err := s.uvProgram(ctx)
	if err != nil {
		return nil, err
	}
	path := c.path
	if path == "" {
		path = os.Getenv("PATH")
	}
	env := append(s.uvEnv(), "PATH="+path)
	args := c.args
	if c.packages {
		args = slices.Concat(args, s.packageArgs())
		env = append(env, s.indexEnv()...)
	}
	return s.run(ctx, command{program: program, args: args, env: append(env, c.env...), dir: c.dir, lines: c.lines})
}

func (s *Store) uvEnv() []string {
	cache := s.settings.Cache
	if cache == "" {
		cache = filepath.Join(s.dir, cacheDir)
	}
	downloads := "never"
	if s.settings.PythonDownloads && !s.settings.Offline {
		downloads = "automatic"
	}
	env := append(slices.Clone(s.settings.Env),
		"HOME="+s.dir, "TMPDIR="+os.TempDir(), "NO_COLOR=1",
		"UV_CACHE_DIR="+cache, "UV_NO_CONFIG=1", "UV_NO_PROGRESS=1", "UV_PYTHON_DOWNLOADS="+downloads,
		"UV_PYTHON_INSTALL_DIR="+filepath.Join(s.dir, ".python"))
	if s.settings.Offline {
		env = append(env, "UV_OFFLINE=1")
	}
	return env
}

func (s *Store) packageArgs() []string {
	var args []string
	if !s.settings.AllowBuilds {
		args = append(args, "--no-build")
	}
	for _, dir := range s.settings.FindLinks {
		args = append(args, "--find-links", dir)
	}
	return args
}

// indexEnv names the indexes to uv. A command line can be read by everybody on
// the machine, so passwords are in a file that only this user can read.
func (s *Store) indexEnv() []string {
	var env []string
	if s.settings.Index != "" {
		env = append(env, "UV_DEFAULT_INDEX="+s.settings.Index)
	}
	if len(s.settings.ExtraIndexes) > 0 {
		env = append(env, "UV_INDEX="+strings.Join(s.settings.ExtraIndexes, " "))
	}
	if s.settings.Credentials != "" {
		env = append(env, "NETRC="+s.settings.Credentials)
	}
	return env
}

// uvProgram finds uv, and installs a copy for the store where there is none.
func (s *Store) uvProgram(ctx context.Context) (string, error) {
	if s.settings.UV != "" {
		return s.settings.UV, nil
	}
	if program, err := exec.LookPath("uv"); err == nil {
		return filepath.Abs(program)
	}
	own := filepath.Join(s.dir, ownUVDir, "bin", "uv")
	if _, err := os.Stat(own); err == nil {
		return own, nil
	}
	if s.settings.Offline {
		return "", quire.Errorf(quire.FailedPrecondition, "the server has no uv, which makes Python environments, and is offline")
	}
	g, err := s.openGuard("uv")
	if err != nil {
		return "", err
	}
	defer g.release()
	if err := g.take(ctx, func() {}); err != nil {
		return "", err
	}
	if _, err := os.Stat(own); err == nil {
		return own, nil
	}
	return own, s.installUV(ctx)
}

// installUV installs uv by the server's own Python and its pip.
func (s *Store) installUV(ctx context.Context) error {
	p, err := s.inspect(ctx, s.settings.Python)
	if err != nil {
		return err
	}
	target := s.path(buildingDir, "uv-"+quire.NewID())
	defer os.RemoveAll(target) //nolint:errcheck // it was renamed, or is rubbish that Collect finds
	env := append(slices.Clone(s.settings.Env), "PATH="+os.Getenv("PATH"), "HOME="+s.dir, "PIP_ROOT_USER_ACTION=ignore")
	if s.settings.Index != "" {
		env = append(env, "PIP_INDEX_URL="+s.settings.Index)
	}
	if s.settings.Credentials != "" {
		env = append(env, "NETRC="+s.settings.Credentials)
	}
	_, err = s.run(ctx, command{program: p.Path, env: env, args: []string{
		"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--target", target, "uv==" + uvVersion,
	}})
	if f, ok := errors.AsType[*failed](err); ok {
		return &quire.Error{
			Code: quire.FailedPrecondition, Err: err,
			Message: "uv, which makes Python environments, could not be installed on the server: " + explain(f.stderr),
		}
	}
	if err != nil {
		return fmt.Errorf("install uv: %w", err)
	}
	_ = os.RemoveAll(filepath.Join(s.dir, ownUVDir)) // one without its program
	if err := os.Rename(target, filepath.Join(s.dir, ownUVDir)); err != nil {
		return fmt.Errorf("install uv: %w", err)
	}
	return nil
}

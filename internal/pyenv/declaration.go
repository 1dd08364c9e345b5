package pyenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"quire"
	"quire/nbformat"
)

// OpenFile opens a file of the project by its path. What is not there, or is no
// file, is a *quire.Error.
type OpenFile func(ctx context.Context, path string) (io.ReadCloser, error)

// Declare returns the environment that a notebook's project declares for it:
// that of the notebook's own script block, or else of the nearest folder up
// from the notebook that has one of the files, uv.lock before requirements.txt
// before environment.yml. It returns nil where there is none.
//
// A declaration that cannot be used is a *quire.Error that names the file and
// the line.
func Declare(ctx context.Context, open OpenFile, notebook string, nb *nbformat.Notebook) (*quire.EnvironmentDeclaration, error) {
	if d, err := scriptDeclaration(notebook, nb); d != nil || err != nil {
		return d, err
	}
	o := opener{ctx, open}
	for dir := path.Dir(notebook); ; dir = path.Dir(dir) {
		d, err := o.declaration(dir)
		if d != nil || err != nil {
			return d, err
		}
		if dir == "." || dir == "/" {
			return nil, nil //nolint:nilnil // nothing is declared
		}
	}
}

// opener reads the files of a project.
type opener struct {
	ctx  context.Context //nolint:containedctx // of the one call that it lives for
	open OpenFile
}

// read returns a file's text, or a client's error.
func (o opener) read(name string) (string, error) {
	f, err := o.open(o.ctx, name)
	if e, ok := errors.AsType[*quire.Error](err); ok {
		return "", quire.Errorf(quire.FailedPrecondition, "%s, which the declaration of the Python environment needs: %s", name, e.Message)
	}
	if err != nil {
		return "", fmt.Errorf("read declaration of environment: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDeclaration+1))
	if err != nil {
		return "", fmt.Errorf("read declaration of environment: %w", err)
	}
	if len(text) > maxDeclaration {
		return "", invalidDeclaration(name, "is larger than %d MiB", maxDeclaration>>20)
	}
	return strings.ToValidUTF8(strings.TrimPrefix(string(text), "\ufeff"), "\ufffd"), nil
}

// has reports whether there is something by that name that can be opened.
func (o opener) has(name string) (bool, error) {
	f, err := o.open(o.ctx, name)
	if err == nil {
		return true, f.Close()
	}
	if quire.CodeOf(err) == quire.Internal {
		return false, err
	}
	return false, nil
}

// declaration returns what the files of one folder declare, or nil.
func (o opener) declaration(dir string) (*quire.EnvironmentDeclaration, error) {
	for _, form := range []struct {
		file string
		read func(name string) (*quire.EnvironmentDeclaration, error)
	}{
		{"uv.lock", o.projectLock},
		{"requirements.txt", o.requirementsFile},
		{"environment.yml", o.condaFile},
		{"environment.yaml", o.condaFile},
	} {
		name := path.Join(dir, form.file)
		if there, err := o.has(name); err != nil {
			return nil, err
		} else if there {
			return form.read(name)
		}
	}
	return nil, nil //nolint:nilnil // the next folder may have one
}

func (o opener) requirementsFile(name string) (*quire.EnvironmentDeclaration, error) {
	r := requirements{open: o}
	if err := r.file(name, false); err != nil {
		return nil, err
	}
	python, err := o.pythonVersion(path.Dir(name))
	if err != nil {
		return nil, err
	}
	return &quire.EnvironmentDeclaration{
		Source: quire.RequirementsFile, Path: name, Python: python, Requirements: r.wanted, Constraints: r.bounds,
	}, nil
}

var plainVersion = regexp.MustCompile(`^3(\.\d{1,3}){0,2}$`)

// pythonVersion reads the .python-version of a folder, as pyenv and uv write
// it. What is in it beside a version, the name of an implementation say, is
// passed over.
func (o opener) pythonVersion(dir string) (string, error) {
	name := path.Join(dir, ".python-version")
	if there, err := o.has(name); !there || err != nil {
		return "", err
	}
	text, err := o.read(name)
	if err != nil {
		return "", err
	}
	for _, l := range logicalLines(text) {
		if plainVersion.MatchString(l.text) {
			return exactly(l.text), nil
		}
	}
	return "", nil
}

// exactly is the specifier of a version of one, two or three numbers.
func exactly(version string) string {
	if strings.Count(version, ".") == 2 {
		return "==" + version
	}
	return "==" + version + ".*"
}

const pythonVersion = `(?:===?|[<>!~]=|[<>])\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.\*)?`

var pythonSpecifier = regexp.MustCompile(`^` + pythonVersion + `(?:,` + pythonVersion + `)*,?$`)

// maxSpecifier is far beyond what anybody writes, in bytes.
const maxSpecifier = 200

// checkPython lets through what is a specifier of versions and nothing else:
// to uv it could be the path of a program.
func checkPython(name, specifier string) (string, error) {
	specifier = strings.Join(strings.Fields(specifier), "")
	if specifier == "" {
		return "", nil
	}
	if !pythonSpecifier.MatchString(specifier) || len(specifier) > maxSpecifier {
		return "", invalidDeclaration(name, "%.80q is no version of Python such as >=3.11", specifier)
	}
	return specifier, nil
}

package pyenv

import (
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"quire"
)

// uvLock is what is read of a uv.lock.
type uvLock struct {
	Packages []struct {
		Name   string            `toml:"name"`
		Source map[string]string `toml:"source"`
	} `toml:"package"`
}

// projectLock reads a uv.lock with the pyproject.toml beside it.
func (o opener) projectLock(name string) (*quire.EnvironmentDeclaration, error) {
	project := path.Join(path.Dir(name), "pyproject.toml")
	if there, err := o.has(project); err != nil {
		return nil, err
	} else if !there {
		return nil, invalidDeclaration(name, "there is no pyproject.toml beside it")
	}
	d := &quire.EnvironmentDeclaration{Source: quire.ProjectLock, Path: name}
	var err error
	if d.Lock, err = o.read(name); err != nil {
		return nil, err
	}
	if d.Project, err = o.read(project); err != nil {
		return nil, err
	}
	if _, err := registries(name, d.Lock); err != nil {
		return nil, err
	}
	var about struct {
		Project struct {
			RequiresPython string `toml:"requires-python"`
		} `toml:"project"`
		Tool struct {
			UV struct {
				Workspace map[string]any `toml:"workspace"`
			} `toml:"uv"`
		} `toml:"tool"`
	}
	if _, err := toml.Decode(d.Project, &about); err != nil {
		return nil, invalidDeclaration(project, "it cannot be read: %v", err)
	}
	if about.Tool.UV.Workspace != nil {
		return nil, invalidDeclaration(project, "a workspace of several projects is not possible; lock the notebook's project by itself")
	}
	if d.Python, err = o.pythonVersion(path.Dir(name)); err != nil || d.Python != "" {
		return d, err
	}
	d.Python, err = checkPython(project, about.Project.RequiresPython)
	return d, err
}

// registries returns the indexes that a uv.lock was made from. A package that
// comes from anywhere else, the project itself apart, is a client's error.
func registries(name, text string) ([]string, error) {
	var l uvLock
	if _, err := toml.Decode(text, &l); err != nil {
		return nil, invalidDeclaration(name, "it cannot be read: %v", err)
	}
	var urls []string
	for _, p := range l.Packages {
		registry, from := p.Source["registry"], p.Source
		switch {
		case registry != "":
			web := strings.HasPrefix(registry, "https://") || strings.HasPrefix(registry, "http://")
			if !web || strings.ContainsAny(registry, " \t\n\r\x00") {
				return nil, invalidDeclaration(name, "the package %.80s comes from no index; lock it with one", p.Name)
			}
			if !slices.Contains(urls, registry) {
				urls = append(urls, registry)
			}
		case from["virtual"] == "." || from["editable"] == "." || from["directory"] == ".":
		default:
			return nil, invalidDeclaration(name, "the package %.80s comes from no index; packages by URL and path are not possible", p.Name)
		}
	}
	return urls, nil
}

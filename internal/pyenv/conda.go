package pyenv

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"quire"
)

// condaPython matches how conda asks for a Python: python=3.11, python>=3.10,<3.13.
var condaPython = regexp.MustCompile(`^python\s*(?:(=)?\s*(\d[\d.]*)(?:\.\*)?|((?:[<>!~]=?|==)\s*\d.*))?$`)

// condaFile reads the part of an environment.yml that pip can install.
func (o opener) condaFile(name string) (*quire.EnvironmentDeclaration, error) {
	text, err := o.read(name)
	if err != nil {
		return nil, err
	}
	// Into a struct, whose decoder bounds what aliases may grow to.
	var file struct {
		Dependencies []yaml.Node       `yaml:"dependencies"`
		Variables    map[string]string `yaml:"variables"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return nil, invalidDeclaration(name, "it is no YAML of an environment: %v", firstLine(err.Error()))
	}
	if len(file.Variables) > 0 {
		return nil, invalidDeclaration(name, "variables are not possible; give them to the execution as inputs")
	}
	d := &quire.EnvironmentDeclaration{Source: quire.CondaFile, Path: name}
	r := requirements{open: o}
	for _, node := range file.Dependencies {
		where := fmt.Sprintf("line %d", node.Line)
		var one string
		var several map[string][]string
		switch {
		case node.Kind == yaml.ScalarNode && node.Decode(&one) == nil:
			if d.Python, err = condaDependency(name, where, strings.TrimSpace(one), d.Python); err != nil {
				return nil, err
			}
		case node.Decode(&several) == nil && len(several) == 1 && several["pip"] != nil:
			for _, text := range several["pip"] {
				if err := r.line(name, where, strings.TrimSpace(text), false); err != nil {
					return nil, err
				}
			}
		default:
			return nil, invalidDeclaration(name, "%s is neither a package nor a list of pip's", where)
		}
	}
	if d.Python == "" {
		if d.Python, err = o.pythonVersion(path.Dir(name)); err != nil {
			return nil, err
		}
	}
	d.Requirements, d.Constraints = r.wanted, r.bounds
	return d, nil
}

// condaDependency takes a package of conda's: python, whose specifier it
// returns, or pip, which need not be installed.
func condaDependency(name, where, text, python string) (string, error) {
	if text == "pip" || regexp.MustCompile(`^pip\s*[<>=!~]`).MatchString(text) {
		return python, nil
	}
	m := condaPython.FindStringSubmatch(text)
	switch {
	case m == nil:
		return "", invalidDeclaration(name, "%s: %.80q is a package of conda; packages are installed from a Python index, so list it under pip", where, text)
	case m[2] != "":
		if version := strings.TrimSuffix(m[2], "."); plainVersion.MatchString(version) {
			return exactly(version), nil
		}
		return "", invalidDeclaration(name, "%s: %.80q is no version of Python such as python=3.12", where, text)
	case m[3] != "":
		return checkPython(name, m[3])
	}
	return python, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

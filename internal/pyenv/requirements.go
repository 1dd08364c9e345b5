package pyenv

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"quire"
)

// The limits on what one declaration may read.
const (
	maxDeclaration = 4 << 20 // bytes of one file
	maxIncludes    = 20      // files
	maxLines       = 10_000
)

// line is a logical line of a requirements file.
type line struct {
	number int // of its first physical line
	text   string
}

// logicalLines joins continued lines and drops comments and empty ones.
func logicalLines(text string) []line {
	var lines []line
	var current line
	for i, raw := range strings.Split(text, "\n") {
		raw = strings.TrimRight(raw, "\r")
		if current.number == 0 {
			current.number = i + 1
		}
		if before, ok := strings.CutSuffix(raw, `\`); ok && !strings.HasPrefix(strings.TrimSpace(raw), "#") {
			current.text += before + " "
			continue
		}
		current.text = strings.TrimSpace(comment.ReplaceAllString(current.text+raw, ""))
		if current.text != "" {
			lines = append(lines, current)
		}
		current = line{}
	}
	if current.text = strings.TrimSpace(current.text); current.text != "" {
		lines = append(lines, current)
	}
	return lines
}

var (
	comment     = regexp.MustCompile(`(^|\s+)#.*$`)
	versions    = `(?:===?|[<>!~]=|[<>])\s*[A-Za-z0-9.*+!_-]+`
	requirement = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*` +
		`\(?(?:` + versions + `(?:\s*,\s*` + versions + `)*\s*,?)?\)?\s*(?:;.*)?$`)
	archive = regexp.MustCompile(`(?i)\.(whl|zip|tar|tgz|tbz|txz|gz|bz2|xz|zst|egg)\s*$`)
	include = regexp.MustCompile(`^(-r|-c|--requirement|--constraint)(?:\s+|=)\s*(\S.*)$`)
)

// requirements collects the lines of requirements files.
type requirements struct {
	open   opener
	wanted []string
	bounds []string // constraints: they bound what is installed and install nothing
	files  int
}

// file reads a requirements file of the project, and those that it includes.
func (r *requirements) file(name string, constraints bool) error {
	if r.files++; r.files > maxIncludes {
		return invalidDeclaration(name, "includes more than %d files", maxIncludes)
	}
	text, err := r.open.read(name)
	if err != nil {
		return err
	}
	for _, l := range logicalLines(text) {
		where := fmt.Sprintf("line %d", l.number)
		if err := r.line(name, where, l.text, constraints); err != nil {
			return err
		}
	}
	return nil
}

// line takes one line of the file name, which is only named by where.
func (r *requirements) line(name, where, text string, constraints bool) error {
	if m := include.FindStringSubmatch(text); m != nil {
		other := strings.Trim(strings.TrimSpace(m[2]), `"'`)
		if strings.Contains(other, "://") || path.IsAbs(other) {
			return invalidDeclaration(name, "%s: %s names no file of the project", where, m[1])
		}
		other = path.Join(path.Dir(name), other)
		if other == ".." || strings.HasPrefix(other, "../") {
			return invalidDeclaration(name, "%s: %s leads out of the project", where, m[1])
		}
		return r.file(other, constraints || m[1] == "-c" || m[1] == "--constraint")
	}
	if text == "--require-hashes" {
		return nil // they always are
	}
	if err := checkRequirement(name, where, text); err != nil {
		return err
	}
	if len(r.wanted)+len(r.bounds) >= maxLines {
		return invalidDeclaration(name, "%s: there are more than %d requirements", where, maxLines)
	}
	if constraints {
		r.bounds = append(r.bounds, text)
	} else {
		r.wanted = append(r.wanted, text)
	}
	return nil
}

// checkRequirement lets through a package by name with a version, extras, a
// marker and digests. Everything else could reach for files of this machine,
// for addresses that the server's operator has not chosen, or run code.
func checkRequirement(name, where, text string) error {
	bare, _ := splitHashes(text)
	option, _, _ := strings.Cut(bare, " ")
	option, _, _ = strings.Cut(option, "=")
	switch {
	case strings.ContainsAny(bare, "\n\r\x00"):
		return invalidDeclaration(name, "%s holds a control character", where)
	case option == "-e" || option == "--editable":
		return invalidDeclaration(name, "%s: an editable package is not possible; name a package by its version", where)
	case strings.HasPrefix(bare, "-"):
		return invalidDeclaration(name, "%s: the option %.40s cannot be given by a project; package indexes are set by who runs the server", where, option)
	case strings.Contains(beforeMarker(bare), "@") || strings.Contains(bare, "://"):
		return invalidDeclaration(name, "%s: a package by URL is not possible; name it by its version", where)
	case strings.ContainsAny(beforeMarker(bare), `/\`) || strings.HasPrefix(bare, ".") || archive.MatchString(beforeMarker(bare)):
		return invalidDeclaration(name, "%s: a package by path is not possible; name it by its version", where)
	case !requirement.MatchString(bare):
		return invalidDeclaration(name, "%s: %.80q is no requirement such as pandas>=2", where, bare)
	}
	return nil
}

func beforeMarker(requirement string) string {
	before, _, _ := strings.Cut(requirement, ";")
	return before
}

// invalidDeclaration is a client's error about a file that declares an environment.
func invalidDeclaration(name, format string, args ...any) error {
	return quire.Errorf(quire.FailedPrecondition, "%s, which declares the Python environment: %s", name, fmt.Sprintf(format, args...))
}

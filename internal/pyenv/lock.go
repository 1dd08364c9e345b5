package pyenv

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"quire"
)

// A lock names each package of an environment by version and digests.
type lock []locked

type locked struct {
	quire.Package
	hashes []string // sha256:…, sorted
}

var (
	lockedLine = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+)\s*(?:;.*)?$`)
	hashOption = regexp.MustCompile(`--hash[= ](sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?:\s|$)`)
	separators = regexp.MustCompile(`[-_.]+`)
)

// normalName is a package's name as indexes compare it (PEP 503).
func normalName(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// splitHashes takes the --hash options off a requirement.
func splitHashes(line string) (requirement string, hashes []string) {
	for _, m := range hashOption.FindAllStringSubmatch(line, -1) {
		hashes = append(hashes, m[1])
	}
	return strings.TrimSpace(hashOption.ReplaceAllString(line, "")), hashes
}

// parseLock reads what uv writes as requirements. Of what has a marker the
// marker is dropped.
func parseLock(text string) (lock, error) {
	var l lock
	for _, line := range logicalLines(text) {
		requirement, hashes := splitHashes(line.text)
		m := lockedLine.FindStringSubmatch(requirement)
		if m == nil {
			return nil, fmt.Errorf("read lock: %q is not a package by version", requirement)
		}
		slices.Sort(hashes)
		l = append(l, locked{quire.Package{Name: normalName(m[1]), Version: m[2]}, slices.Compact(hashes)})
	}
	slices.SortFunc(l, func(a, b locked) int { return strings.Compare(a.Name, b.Name) })
	return l, nil
}

// String is the lock in the form of requirements.txt, always the same for the
// same packages.
func (l lock) String() string {
	var b strings.Builder
	for _, p := range l {
		b.WriteString(p.Name + "==" + p.Version)
		for _, hash := range p.hashes {
			b.WriteString(" \\\n    --hash=" + hash)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (l lock) has(name string) bool {
	return slices.ContainsFunc(l, func(p locked) bool { return p.Name == name })
}

// with returns l and those of more that it lacks, and the names of these.
func (l lock) with(more lock) (all lock, added []string) {
	all = slices.Clone(l)
	for _, p := range more {
		if !l.has(p.Name) {
			all = append(all, p)
			added = append(added, p.Name)
		}
	}
	slices.SortFunc(all, func(a, b locked) int { return strings.Compare(a.Name, b.Name) })
	return all, added
}

// pin puts in the digests that the declaration itself names, by name==version:
// nothing else is then installed under that name.
func (l lock) pin(declared map[string][]string) {
	for i, p := range l {
		if hashes := declared[p.Name+"=="+p.Version]; len(hashes) > 0 {
			l[i].hashes = hashes
		}
	}
}

func (l lock) check() error {
	for i, p := range l {
		if len(p.hashes) == 0 {
			return fmt.Errorf("the package %s==%s has no digest", p.Name, p.Version)
		}
		if i > 0 && l[i-1].Name == p.Name {
			return fmt.Errorf("the package %s is there in two versions", p.Name)
		}
	}
	if !l.has(kernelPackage) {
		return errors.New("there is no " + kernelPackage)
	}
	return nil
}

func (l lock) packages() []quire.Package {
	packages := make([]quire.Package, len(l))
	for i, p := range l {
		packages[i] = p.Package
	}
	return packages
}

// text is the lock with the Python that it is for: all that an environment is
// made of.
func (l lock) text(p interpreter) string {
	return fmt.Sprintf("# %s %s on %s\n%s", p.Implementation, p.Version, p.Platform, l)
}

// digest identifies an environment by the text of its lock.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

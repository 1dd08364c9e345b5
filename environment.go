package quire

import "time"

// EnvironmentSource says in what form a project declares a Python environment.
type EnvironmentSource string

// The forms of a declaration.
const (
	RequirementsFile EnvironmentSource = "requirements.txt"
	ProjectLock      EnvironmentSource = "uv.lock" // with its pyproject.toml
	CondaFile        EnvironmentSource = "environment.yml"
	ScriptBlock      EnvironmentSource = "script" // PEP 723, in the notebook's first code cell
)

// EnvironmentDeclaration is the Python environment that a notebook asks for, as
// it stood when the notebook was submitted: all that is needed to build it.
type EnvironmentDeclaration struct {
	Source       EnvironmentSource `json:"source"`
	Path         string            `json:"path"`                   // the file, relative to the project; of a script block the notebook
	Python       string            `json:"python,omitempty"`       // version specifier, >=3.11 say; empty: the server's own Python
	Requirements []string          `json:"requirements,omitempty"` // PEP 508, hashes after them
	Constraints  []string          `json:"constraints,omitempty"`
	ExcludeNewer string            `json:"excludeNewer,omitempty"` // RFC 3339: what was published later does not exist
	Project      string            `json:"project,omitempty"`      // pyproject.toml, for ProjectLock
	Lock         string            `json:"lock,omitempty"`         // uv.lock, for ProjectLock
}

// Environment is a Python environment that has been built. It is shared by all
// that need the same lock on the same Python.
type Environment struct {
	Digest    string            `json:"digest"` // SHA-256 of Lock, in hexadecimal
	Python    string            `json:"python"` // version, 3.13.1 say
	Platform  string            `json:"platform"`
	Source    EnvironmentSource `json:"source"`          // of the declaration that it was first built for
	Packages  []Package         `json:"packages"`        // by name
	Added     []string          `json:"added,omitempty"` // packages that Quire has added to run a kernel
	CreatedAt time.Time         `json:"createdAt"`
	Bytes     int64             `json:"bytes"` // of its files, those that it shares with others included

	UsedAt time.Time `json:"-"` // when an execution last took it
	InUse  bool      `json:"-"` // an execution has it now
	Lock   string    `json:"-"` // Python, platform and every package by version and digests, where one environment was asked for
}

// Package is one installed distribution.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// EnvironmentPhase is what is being done for an environment.
type EnvironmentPhase string

// The phases, in their order. One that others have done is left out.
const (
	EnvironmentWaiting    EnvironmentPhase = "waiting" // for another one who makes the same
	EnvironmentResolving  EnvironmentPhase = "resolving"
	EnvironmentInstalling EnvironmentPhase = "installing"
	EnvironmentCompiling  EnvironmentPhase = "compiling"
)

package quire

import (
	"bytes"
	"encoding/json"
	"path/filepath"
)

// Job is everything that an executor needs to run one attempt of an execution,
// with no word to the server. It is written as job.json into Dir.
type Job struct {
	ExecutionID ExecutionID    `json:"executionId,omitempty"`
	ProjectID   ProjectID      `json:"projectId,omitempty"`
	Attempt     int            `json:"attempt"`
	Dir         string         `json:"dir"`      // the execution's own folder: input.ipynb, journal, notebook.ipynb, logs
	WorkDir     string         `json:"workDir"`  // the kernel's working directory: the notebook's folder in the project
	Notebook    string         `json:"notebook"` // name for messages, relative to the project
	Cell        string         `json:"cell,omitempty"`
	Kernel      string         `json:"kernel,omitempty"` // kernelspec name; empty: the one that the notebook names
	KernelPath  []string       `json:"kernelPath"`       // folders that hold kernelspecs, first match wins
	Env         []string       `json:"env"`              // the kernel's environment before the inputs, NAME=value
	Inputs      map[string]any `json:"inputs,omitempty"`
	OutputNames []string       `json:"outputNames,omitempty"`
	Run         RunSettings    `json:"run"`
	Terms       Terms          `json:"terms"`
	RetryOf     ExecutionID    `json:"retryOf,omitempty"`
	Isolation   Isolation      `json:"isolation,omitzero"`
	Warm        *WarmKernel    `json:"warm,omitempty"` // nil: every kernel is started cold

	// Environment is the Python environment that the project declares, and
	// Environments the folder of those that there are; nil: KernelPath and Env
	// say all.
	Environment  *EnvironmentDeclaration `json:"environment,omitempty"`
	Environments string                  `json:"environments,omitempty"`
}

// WarmKernel says where a kernel can be forked that need not be started. It is
// an offer: whoever listens there may be gone by the time of the run.
type WarmKernel struct {
	Python string `json:"python"` // the interpreter in the kernel's command
	Socket string `json:"socket"`
}

// The files of a job's folder.
const (
	jobFile       = "job.json"
	inputFile     = "input.ipynb"
	journalFile   = "journal"
	notebookFile  = "notebook.ipynb"
	kernelLogFile = "kernel.log"
	lockFile      = "environment.lock"
	declaredFile  = "environment.json"
)

// JobPath is where the job itself lies for the executor.
func (j Job) JobPath() string { return filepath.Join(j.Dir, jobFile) }

// InputPath is the notebook as it was submitted.
func (j Job) InputPath() string { return filepath.Join(j.Dir, inputFile) }

// JournalPath is the journal of all attempts.
func (j Job) JournalPath() string { return filepath.Join(j.Dir, journalFile) }

// NotebookPath is the executed notebook, once the execution has ended.
func (j Job) NotebookPath() string { return filepath.Join(j.Dir, notebookFile) }

// KernelLogPath is what the kernel wrote to its own stdout and stderr.
func (j Job) KernelLogPath() string { return filepath.Join(j.Dir, kernelLogFile) }

// LockPath is the list of what the kernel's environment held when it started.
func (j Job) LockPath() string { return filepath.Join(j.Dir, lockFile) }

// DeclaredPath is the EnvironmentDeclaration as it was submitted; it is not
// there where the project declares none.
func (j Job) DeclaredPath() string { return filepath.Join(j.Dir, declaredFile) }

// Decode reads a job from JSON. Numbers of the inputs keep their digits.
func (j *Job) Decode(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(j)
}

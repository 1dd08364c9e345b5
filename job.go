package quire

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
}

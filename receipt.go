package quire

// Receipt says by digests what an attempt ran: each is "sha256:" and 64
// hexadecimal digits, of a file in the execution's folder. It becomes part of
// the executed notebook's metadata.
type Receipt struct {
	Notebook    string      `json:"notebook,omitempty"`    // of input.ipynb, as submitted
	Inputs      string      `json:"inputs,omitempty"`      // of the input variables as compact JSON, names sorted
	Environment string      `json:"environment,omitempty"` // of environment.lock: what the kernel's environment held
	RetryOf     ExecutionID `json:"retryOf,omitempty"`     // the execution that this one repeats
}

package executor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"quire"
	"quire/jupyter"
)

// newReceipt says what the attempt runs: the notebook's bytes, the job's inputs
// and the environment of its kernel. What that holds is on disk afterwards.
func newReceipt(job quire.Job, notebook []byte, spec jupyter.Kernelspec) (*quire.Receipt, error) {
	inputs, err := canonical(job.Inputs)
	if err != nil {
		return nil, fmt.Errorf("encode inputs: %w", err)
	}
	lock, err := lockOf(spec)
	if err != nil {
		return nil, err
	}
	if err := keep(job.LockPath(), lock); err != nil {
		return nil, fmt.Errorf("keep the environment's lock: %w", err)
	}
	return &quire.Receipt{
		Notebook: digest(notebook), Inputs: digest(inputs), Environment: digest(lock), RetryOf: job.RetryOf,
	}, nil
}

// canonical returns inputs as the JSON whose digest others can compute:
// compact, names sorted, UTF-8 as it is, no end of line.
func canonical(inputs map[string]any) ([]byte, error) {
	if inputs == nil {
		inputs = map[string]any{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(inputs); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

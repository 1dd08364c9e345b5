package executor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"quire"
)

// newReceipt says what the attempt runs: the notebook's bytes and the job's
// inputs. The environment is added by keepLock.
func newReceipt(job quire.Job, notebook []byte) (*quire.Receipt, error) {
	inputs, err := canonical(job.Inputs)
	if err != nil {
		return nil, fmt.Errorf("encode inputs: %w", err)
	}
	return &quire.Receipt{Notebook: digest(notebook), Inputs: digest(inputs), RetryOf: job.RetryOf}, nil
}

// keepLock puts what the kernel's environment holds into the receipt, and on
// disk while the kernel starts: lockKept has the outcome.
func (e *execution) keepLock(lock []byte) {
	e.receipt.Environment = digest(lock)
	path, kept := e.job.LockPath(), make(chan error, 1)
	go func() { kept <- keep(path, lock) }()
	e.lockKept = sync.OnceValue(func() error {
		if err := <-kept; err != nil {
			return fmt.Errorf("keep the environment's lock: %w", err)
		}
		return nil
	})
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

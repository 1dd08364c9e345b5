package local

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pythonTimeout bounds the answer of an interpreter.
const pythonTimeout = 20 * time.Second

// PythonPrefix asks a Python interpreter for its sys.prefix, below which its
// kernelspecs lie. It returns the interpreter's absolute path too.
func PythonPrefix(ctx context.Context, python string) (path, prefix string, err error) {
	path, err = exec.LookPath(python)
	if err != nil {
		return "", "", fmt.Errorf("find Python: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", "", fmt.Errorf("find Python: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, pythonTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-I", "-c", "import sys; print(sys.prefix)").Output()
	if err != nil {
		return "", "", fmt.Errorf("ask %s for its prefix: %w", path, err)
	}
	return path, strings.TrimSpace(string(out)), nil
}

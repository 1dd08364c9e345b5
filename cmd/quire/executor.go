package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"quire/internal/crash"
)

// executorSum is set by the linker: the SHA-256 of the quire-executor that was
// built with this program, in hexadecimal. Another one may not speak as this
// server does.
var executorSum = "" //nolint:gochecknoglobals // the linker's -X needs one

// executorCommand is what executors are started with: the small program beside
// self, this one, or this one where that of the sum is not there.
func executorCommand(self, sum string, logger *slog.Logger) []string {
	small := filepath.Join(filepath.Dir(self), "quire-executor")
	if got, err := sumOf(small); err != nil || got != sum {
		logger.Warn("executions start slower: the program quire-executor of this build is not beside quire")
		return []string{self, "executor"}
	}
	return []string{small, "executor"}
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // only read from
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// executorEnv is an executor's: it needs nothing of the environment but where
// temporary files go.
func executorEnv() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, crash.Environ()...)
}

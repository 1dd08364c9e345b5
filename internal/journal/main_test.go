package journal_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(executorJob); path != "" {
		os.Exit(executeUntilKilled(path))
	}
	goleak.VerifyTestMain(m)
}

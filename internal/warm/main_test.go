package warm_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"quire/internal/warm"
)

// launchVariable makes this program launch a kernel and wait for its own death.
const launchVariable = "WARM_TEST_LAUNCH"

func TestMain(m *testing.M) {
	if socket := os.Getenv(launchVariable); socket != "" {
		if err := launchAndWait(socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func launchAndWait(socket string) error {
	r := request(os.Getenv("WARM_TEST_CONNECTION"), kernelEnv(os.Getenv("HOME")), os.Stderr)
	p, err := warm.Launch(context.Background(), socket, r)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, p.PID()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

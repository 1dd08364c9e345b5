package loadkernel

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"quire/jupyter/jupytertest"
)

// run does what the cell says, one command a line; $NAME is a variable of the
// kernel's environment:
//
//	print TEXT           prints a line
//	append FILE TEXT     appends a line to a file, whole whoever else writes
//	sleep DURATION       waits, until an interrupt
//	wait SOCKET          connects to a Unix socket and waits until it closes
//	raise NAME TEXT      raises an error
func run(c *jupytertest.Cell) {
	for line := range strings.Lines(c.Code) {
		command, rest, _ := strings.Cut(strings.TrimSpace(os.ExpandEnv(line)), " ")
		if err := do(c, command, rest); err != nil {
			c.Raise("LoadError", err.Error())
			return
		}
	}
}

func do(c *jupytertest.Cell, command, rest string) error {
	switch first, text, _ := strings.Cut(rest, " "); command {
	case "print":
		c.Stream("stdout", rest+"\n")
	case "append":
		return appendLine(first, text)
	case "sleep":
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		return wait(c, time.After(d))
	case "wait":
		return waitClosed(c, rest)
	case "raise":
		return fmt.Errorf("%s: %s", first, text)
	case "":
	default:
		return fmt.Errorf("unknown command %q", command)
	}
	return nil
}

// appendLine writes with one call: O_APPEND keeps the lines of several whole.
func appendLine(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // the cell's own file
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text + "\n"); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func wait[T any](c *jupytertest.Cell, until <-chan T) error {
	select {
	case <-until:
		return nil
	case <-c.Interrupted():
		return fmt.Errorf("interrupted")
	case <-c.Done():
		return fmt.Errorf("the kernel ends")
	}
}

func waitClosed(c *jupytertest.Cell, socket string) error {
	conn, err := net.Dial("unix", socket) //nolint:noctx // a local socket answers at once
	if err != nil {
		return err
	}
	closed := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn)
		closed <- err
	}()
	err = wait(c, closed)
	_ = conn.Close()
	return err
}

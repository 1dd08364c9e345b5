// Package loadkernel is a kernel that starts in a few milliseconds and does
// what a cell says in a language of five words, so that thousands of
// executions can be run with everything real but Python. A program becomes the
// kernel by Main; Install writes the kernelspec that starts it.
//
// It is for tests and measurements alone.
package loadkernel

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"quire/jupyter"
	"quire/jupyter/jupytertest"
)

// Name is the kernelspec's name.
const Name = "load"

// Install makes a folder of kernelspecs, for JUPYTER_PATH, with one in it that
// starts command followed by the connection file.
func Install(dir string, command ...string) error {
	folder := filepath.Join(dir, "kernels", Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("install kernelspec: %w", err)
	}
	spec, err := json.Marshal(map[string]any{
		"argv":         append(command[:len(command):len(command)], "{connection_file}"),
		"display_name": "Load", "language": Name, "interrupt_mode": "signal",
		"metadata": map[string]any{"supported_features": []string{}},
	})
	if err != nil {
		return fmt.Errorf("install kernelspec: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "kernel.json"), spec, 0o600); err != nil {
		return fmt.Errorf("install kernelspec: %w", err)
	}
	return nil
}

// Main is the kernel. It returns after a shutdown_request.
func Main(connectionFile string) error {
	data, err := os.ReadFile(connectionFile)
	if err != nil {
		return fmt.Errorf("read connection file: %w", err)
	}
	var info jupyter.ConnectionInfo
	if err := json.Unmarshal(data, &info); err != nil {
		return fmt.Errorf("read connection file: %w", err)
	}
	options := jupytertest.Options{Language: json.RawMessage(`{"name": "load", "version": "1", "file_extension": ".txt"}`)}
	k, err := jupytertest.Listen(info, options, complain, jupytertest.Cells(run))
	if err != nil {
		return fmt.Errorf("serve kernel: %w", err)
	}
	defer k.Close()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	for {
		select {
		case <-interrupts:
			k.Interrupt()
		case <-k.Done():
			return nil
		}
	}
}

// complain writes into the kernel's log.
func complain(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

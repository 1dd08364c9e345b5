package jupyter_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/jupyter"
)

func TestConnectionFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "k")
	info, err := jupyter.NewIPC(dir)
	if err != nil {
		t.Fatal(err)
	}
	if mode := stat(t, dir); mode != 0o700 {
		t.Errorf("got mode %o for the sockets' folder, want 700", mode)
	}
	file := filepath.Join(dir, "connection.json")
	if err := os.WriteFile(file, []byte(strings.Repeat("old", 1000)), 0o644); err != nil { //nolint:gosec // readable on purpose
		t.Fatal(err)
	}
	if err := info.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	if mode := stat(t, file); mode != 0o600 {
		t.Errorf("got mode %o for the connection file, want 600", mode)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"transport": "ipc", "ip": filepath.Join(dir, "kernel"),
		"shell_port": 1.0, "iopub_port": 2.0, "stdin_port": 3.0, "control_port": 4.0, "hb_port": 5.0,
		"key": info.Key, "signature_scheme": "hmac-sha256", "kernel_name": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("connection file (-want +got):\n%s", diff)
	}
	if other, err := jupyter.NewIPC(dir); err != nil || other.Key == info.Key || len(info.Key) < 20 {
		t.Errorf("got keys %q and %q, error %v; want two that cannot be guessed", info.Key, other.Key, err)
	}
}

func stat(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestNewIPCMeasuresThePath(t *testing.T) {
	t.Parallel()
	const suffix = len("/kernel-5")
	dir := filepath.Join(os.TempDir(), "q") //nolint:usetesting // the length of t.TempDir is not ours to choose
	fits := dir + strings.Repeat("q", 107-suffix-len(dir))
	if _, err := jupyter.NewIPC(fits + "q"); err == nil || !strings.Contains(err.Error(), "shorter directory") {
		t.Errorf("got error %v for a path of 108 bytes", err)
	}
	if _, err := os.Stat(fits + "q"); err == nil {
		t.Error("the refused folder was made")
	}
	t.Cleanup(func() { _ = os.RemoveAll(fits) })
	if _, err := jupyter.NewIPC(fits); err != nil {
		t.Errorf("got error %v for a path of 107 bytes", err)
	}
}

func TestNewTCP(t *testing.T) {
	t.Parallel()
	info, err := jupyter.NewTCP()
	if err != nil {
		t.Fatal(err)
	}
	ports := map[int]bool{
		info.ShellPort: true, info.IOPubPort: true, info.StdinPort: true, info.ControlPort: true, info.HBPort: true,
	}
	if len(ports) != 5 || ports[0] {
		t.Errorf("got ports %v, want five different ones", ports)
	}
}

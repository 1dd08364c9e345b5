package local_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"quire"
	"quire/internal/local"
)

// TestUserNamespace runs itself as nobody where it is root, for that one needs
// another way to a private /tmp. The kernel is a shell, which looks around and
// ends: nobody may not be able to run the tests' Python.
func TestUserNamespace(t *testing.T) {
	if os.Geteuid() == 0 {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestUserNamespace$", "-test.v")
		cmd.Dir, cmd.Env = "/tmp", []string{"PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestUserNamespace") {
			t.Errorf("as nobody: %v\n%s", err, out)
		}
		return
	}
	outside := filepath.Join("/tmp", "quire-test-user-"+strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(outside) })
	kernels := t.TempDir()
	spec := `{"argv": ["/bin/sh", "-c", "ls ` + outside + `; touch ` + outside + `-mine && id -u; grep -E '^Cap(Eff|Prm|Amb)' /proc/self/status; exit 1"], "language": "sh"}`
	if err := os.Mkdir(filepath.Join(kernels, "look"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kernels, "look", "kernel.json"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	job := blankJob(t, "1")
	job.Kernel, job.KernelPath = "look", []string{kernels}
	isolate(t, newHost(t), &job)
	if job.Isolation.Tmp != quire.MountedTmp {
		t.Fatalf("got %+v", job.Isolation)
	}
	b := local.New([]string{"/proc/self/exe", "executor"}, []string{"PATH=" + os.Getenv("PATH")}, slog.New(slog.DiscardHandler))
	finish(t, b, job)
	log, err := os.ReadFile(job.KernelLogPath())
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(log), "\n") // ls complains in its own words
	want := strconv.Itoa(os.Geteuid()) + "\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"
	if got != want || !strings.HasPrefix(string(log), "ls:") {
		t.Errorf("got %q, want %q after what ls says", log, want)
	}
	if _, err := os.Stat(outside + "-mine"); err == nil {
		t.Error("a file of the notebook's is outside")
	}
}

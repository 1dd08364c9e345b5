package warm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"quire/internal/testenv"
	"quire/internal/warm"
	"quire/jupyter"
)

func kernelEnv(home string, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, more...)
}

// record keeps what was logged.
type record struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data.String()
}

// newPool is closed with the test, after which its log is returned by log.
func newPool(t *testing.T, opts warm.Options) (pool *warm.Pool, log *record) {
	t.Helper()
	log = &record{}
	opts.Logger = slog.New(slog.NewTextHandler(log, nil))
	pool = warm.New(&opts)
	t.Cleanup(func() {
		pool.Close()
		if t.Failed() {
			t.Log(log)
		}
	})
	return pool, log
}

// newKey is of a fork server that has imported little.
func newKey(t *testing.T, more ...string) warm.Key {
	t.Helper()
	return warm.Key{Python: testenv.Python(t), Env: kernelEnv(t.TempDir(), more...)}
}

// request is for a kernel with that connection file.
func request(file string, env []string, log *os.File) warm.Request {
	return warm.Request{
		Argv: []string{"python", "-m", "ipykernel_launcher", "-f", file, "--HistoryManager.hist_file=:memory:"},
		Env:  env, Dir: filepath.Dir(file), Stdout: log, Stderr: log,
	}
}

// connection makes a connection file.
func connection(t *testing.T) (info jupyter.ConnectionInfo, file string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "quire-warm-test-") //nolint:usetesting // sockets' paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if info, err = jupyter.NewIPC(dir); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "connection.json")
	if err := info.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	return info, file
}

// kernel is a forked one that has answered.
type kernel struct {
	*warm.Process
	client *jupyter.Client
}

func fork(t *testing.T, socket string, env []string, change func(*warm.Request)) (*kernel, error) {
	t.Helper()
	info, file := connection(t)
	log, err := os.Create(filepath.Join(filepath.Dir(file), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := request(file, env, log)
	if change != nil {
		change(&r)
	}
	p, err := warm.Launch(t.Context(), socket, r)
	if err != nil {
		return nil, err
	}
	k := &kernel{Process: p}
	t.Cleanup(func() {
		if k.client != nil {
			_ = k.client.Close() // nothing can be lost any more
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-p.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if k.client, err = jupyter.Connect(ctx, info, nil); err == nil {
		_, err = k.client.Ready(ctx)
	}
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("%v: %s %s", err, p.Exit(), said)
	}
	return k, nil
}

// mustFork is of a kernel that has to be there.
func mustFork(t *testing.T, socket string, env []string, change func(*warm.Request)) *kernel {
	t.Helper()
	k, err := fork(t, socket, env, change)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// run executes the code and returns what it has printed.
func (k *kernel) run(t *testing.T, code string) string {
	t.Helper()
	id, err := k.client.Send(t.Context(), jupyter.Shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": true, "allow_stdin": false, "stop_on_error": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for {
		m, err := k.client.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Text           string
			ExecutionState string `json:"execution_state"`
			Traceback      []string
		}
		if err := json.Unmarshal(m.Content, &content); err != nil {
			t.Fatal(err)
		}
		if m.ParentHeader.MsgID != id || m.Channel != jupyter.IOPub {
			continue
		}
		out.WriteString(content.Text + strings.Join(content.Traceback, "\n"))
		if content.ExecutionState == "idle" {
			return out.String()
		}
	}
}

// TestDebuggerAnswers starts it in a forked kernel, which starts a process.
func TestDebuggerAnswers(t *testing.T) {
	key, socket := newServer(t)
	k := mustFork(t, socket, key.Env, nil)
	for i, command := range []string{"debugInfo", "initialize", "attach"} {
		id, err := k.client.Send(t.Context(), jupyter.Control, "debug_request", map[string]any{
			"type": "request", "seq": i + 1, "command": command, "arguments": map[string]any{"clientID": "test", "adapterID": ""},
		})
		if err != nil {
			t.Fatal(err)
		}
		for {
			m, err := k.client.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if m.ParentHeader.MsgID != id || m.Header.MsgType != "debug_reply" {
				continue
			}
			var reply struct{ Success bool }
			if err := json.Unmarshal(m.Content, &reply); err != nil || !reply.Success {
				t.Errorf("%s: got %s, %v", command, m.Content, err)
			}
			break
		}
	}
}

package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quire"
	"quire/internal/service"
	"quire/internal/sqlite"
)

// crashDatabase names the variable that makes the test binary write to a
// database until it is killed.
const crashDatabase = "QUIRE_SQLITE_CRASH_DATABASE"

// writeUntilKilled creates executions and ends every other one, and tells
// after each step what the store has acknowledged.
func writeUntilKilled(path string) int {
	ctx := context.Background()
	err := func() error {
		s, err := sqlite.Open(ctx, path, nil)
		if err != nil {
			return err
		}
		_, err = s.CreateProject(ctx, quire.Project{ID: "p", CommunityID: quire.DefaultCommunity}, quire.Operation{ID: "p"})
		if err != nil && quire.CodeOf(err) != quire.AlreadyExists {
			return err
		}
		for i := 0; ; i++ {
			id := quire.NewID()
			e := quire.Execution{ID: quire.ExecutionID(id), ProjectID: "p", Progress: quire.Progress{State: quire.Queued}}
			if _, err := s.CreateExecution(ctx, e, quire.Operation{ID: quire.OperationID(id), Kind: quire.OpExecute}, service.QueueLimits{}); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(os.Stdout, "created", id); err != nil {
				return err
			}
			if i%2 == 0 {
				continue
			}
			e, _, err := s.ClaimQueued(ctx, "d1", time.Now(), -1)
			if err != nil {
				return err
			}
			if err := s.SaveProgress(ctx, e.ID, e.Claim, nil, quire.Progress{State: quire.Succeeded}, nil); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(os.Stdout, "ended", e.ID); err != nil {
				return err
			}
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quire.db")
	acknowledged := map[string]string{} // what was last said of each execution
	for _, lines := range []int{1, 150, 400} {
		for _, line := range killAfter(t, path, lines) {
			what, id, _ := strings.Cut(line, " ")
			acknowledged[id] = what
		}
		s := open(t, path)
		for id, what := range acknowledged {
			e, err := s.Execution(t.Context(), quire.ExecutionID(id))
			if err != nil {
				t.Fatalf("execution was acknowledged: %v", err)
			}
			op, err := s.Operation(t.Context(), quire.OperationID(id))
			if err != nil {
				t.Fatalf("operation was acknowledged: %v", err)
			}
			if what == "ended" && e.State != quire.Succeeded {
				t.Errorf("execution is %s, its end was acknowledged", e.State)
			}
			if op.Done != e.State.Ended() {
				t.Errorf("operation done: %t, execution %s: they are one transaction", op.Done, e.State)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := query(t, path, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("integrity check: %s", got)
		}
	}
}

// killAfter lets another process write until it has told that many lines,
// kills it amid its work, and returns all that it has told.
func killAfter(t *testing.T, path string, lines int) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDatabase+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told []string
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if err != nil { // the pipe is read to its end; a line that was cut was not told
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		told = append(told, strings.TrimSpace(line))
		if len(told) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(told) < lines {
		t.Fatalf("the process ended by itself after %d lines: %v", len(told), err)
	}
	return told
}

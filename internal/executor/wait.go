package executor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"quire"
)

// Waiting is what an executor without a job tells on its control descriptor
// once its kernel is ready.
type Waiting struct {
	RunDir string   `json:"runDir"`
	Groups []string `json:"groups,omitempty"` // of its kernel
}

// Wait is Main for an executor that is started ahead. On control, a socket, it
// reads a job that says how kernels start, answers Waiting, and then reads the
// folder of the job to run, as a string of JSON: from there on it is Main, with
// control as ready. It ends with the other end of control, unless it has a job.
func Wait(ctx context.Context, control *os.File, logger *slog.Logger) error {
	if err := errors.Join(closeInherited(), adoptOrphans()); err != nil {
		return err
	}
	lines := bufio.NewScanner(control)
	lines.Buffer(nil, maxSignals)
	var template quire.Job
	if !lines.Scan() || template.Decode(lines.Bytes()) != nil {
		return errors.New("wait for a job: there is no template")
	}
	s, err := openSlot(ctx, template, logger)
	if err != nil {
		return fmt.Errorf("wait for a job: %w", err)
	}
	dir, err := s.await(ctx, control, lines)
	if err != nil || dir == "" {
		s.end()
		return err
	}
	if err := logTo(filepath.Join(dir, LogFile)); err != nil {
		s.end()
		return err
	}
	defer s.end() // where the job has not begun
	return mainOf(context.WithoutCancel(ctx), dir, control, logger, s)
}

// await returns the job's folder, or "" if there will be none.
func (s *slot) await(ctx context.Context, control *os.File, lines *bufio.Scanner) (string, error) {
	if err := json.NewEncoder(control).Encode(Waiting{s.server.dir, s.encl.isolation.Groups}); err != nil {
		return "", fmt.Errorf("wait for a job: %w", err)
	}
	given := make(chan string, 1)
	go func() { // ends with the other end of control, or this process
		var dir string
		if lines.Scan() {
			_ = json.Unmarshal(lines.Bytes(), &dir)
		}
		given <- dir
	}()
	select {
	case dir := <-given:
		return dir, nil
	case <-s.kernel.Done():
		return "", errors.New("wait for a job: the kernel has ended")
	case <-ctx.Done():
		return "", nil
	}
}

// logTo makes the file this process's standard output and error.
func logTo(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open executor log: %w", err)
	}
	defer f.Close() // its copies are used
	for _, fd := range []int{1, 2} {
		if err := unix.Dup3(int(f.Fd()), fd, 0); err != nil { //nolint:gosec // a file descriptor
			return fmt.Errorf("open executor log: %w", err)
		}
	}
	return os.Chdir(filepath.Dir(path))
}

package soak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/journal"
	"quire/internal/sqlite"
)

// cutPower ends every process at once and leaves of each journal what a disk
// might: all that anyone was told, and anything beyond.
func (h *harness) cutPower(ctx context.Context, f fault) bool {
	exited := h.server.expectEnd()
	// A server that stands still tells nobody what its executors go on to write.
	_ = unix.Kill(h.server.pid(), unix.SIGSTOP) // its death would be found elsewhere
	wait(ctx, f.pause/4)
	found := executors(processes())
	h.mu.Lock()
	records := append([]*record(nil), h.records...)
	h.mu.Unlock()
	for _, r := range records {
		if executor, ok := found[r.id]; ok {
			h.lose(f, r, executor)
			delete(found, r.id)
		}
	}
	h.mu.Lock()
	for id := range found {
		h.early[id] = hit{fault: f.kind, what: lost, attempt: h.attemptOf(id)}
	}
	h.mu.Unlock()
	// All of the namespace but its first process and this one.
	if err := unix.Kill(-1, unix.SIGKILL); err != nil {
		h.report.discrepancy("the harness cannot cut the power: %v", err)
	}
	<-exited
	if err := poll(ctx, stopLimit, func() (bool, error) { return len(processes()) == 0, nil }); err != nil {
		h.report.discrepancy("after the power cut there are %v", processes())
	}
	rng := rand.New(rand.NewPCG(h.plan.seed, uint64(f.amount))) //nolint:gosec // a plan, and repeatable
	if err := h.damage(ctx, rng, records, f.kind == powerCutGarbled); err != nil {
		h.report.discrepancy("the harness cannot cut the journals: %v", err)
	}
	wait(ctx, f.pause/4)
	return h.startAgain(ctx)
}

func (h *harness) damage(ctx context.Context, rng *rand.Rand, records []*record, garble bool) error {
	ended, err := h.endedInStore(ctx, records)
	if err != nil {
		return err
	}
	for _, r := range records {
		r.mu.Lock()
		id, told := r.id, r.seq
		r.mu.Unlock()
		if id == "" || ended[id] {
			continue
		}
		cut, err := cutJournal(rng, h.server.data("executions", id, "journal"), told, garble)
		if err != nil {
			return err
		}
		if cut != "" {
			h.report.note("%s: its journal is cut: %s", r, cut)
		}
	}
	if !garble {
		return nil
	}
	// What SQLite had not synced of a transaction that was never answered.
	wal, err := os.OpenFile(h.server.data("quire.db-wal"), os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = wal.Write(rubbish(rng, 1+rng.IntN(9000)))
	return errors.Join(err, wal.Close())
}

// endedInStore returns which executions have ended by the database. It looks
// into a copy: the server's own is not to be touched.
func (h *harness) endedInStore(ctx context.Context, records []*record) (map[string]bool, error) {
	dir := filepath.Join(h.dir, "copy")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"quire.db", "quire.db-wal"} {
		err := copyFile(h.server.data(name), filepath.Join(dir, name), 0o600)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "quire.db"), nil)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	ended := map[string]bool{}
	for _, r := range records {
		r.mu.Lock()
		id := r.id
		r.mu.Unlock()
		if id == "" {
			continue
		}
		e, err := store.Execution(ctx, quire.ExecutionID(id))
		if err != nil {
			h.report.discrepancy("%s was accepted and is not in the database after a power cut: %v", r, err)
			continue
		}
		ended[id] = e.State.Ended()
	}
	return ended, nil
}

// cutJournal ends a journal at any byte beyond the events that were told, and
// beyond the end of an attempt, for the store may know of that. It says what
// it has done.
func cutJournal(rng *rand.Rand, path string, told int32, garble bool) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	floor := 0
	for reader := journal.NewReader(bytes.NewReader(data)); ; {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if e.Seq <= told || e.Finished != nil {
			floor = int(reader.Offset())
		}
	}
	cut := floor + rng.IntN(len(data)-floor+1)
	flip := garble && rng.IntN(2) == 0
	if flip { // what stands before the last group was synced, or that would not have been written
		cut = max(cut, lastGroup(data))
	}
	left := data[:cut:cut]
	if garble {
		tail := rubbish(rng, rng.IntN(3000))
		if flip { // sectors that came, and some between them that did not
			tail = bytes.Clone(data[cut:])
			for range min(len(tail), 1+rng.IntN(20)) {
				tail[rng.IntN(len(tail))] ^= 1 << rng.IntN(8)
			}
		}
		left = append(left, tail...)
	}
	if len(left) == len(data) && bytes.Equal(left, data) {
		return "", nil
	}
	if err := os.WriteFile(path, left, 0o600); err != nil {
		return "", err
	}
	return fmt.Sprintf("of %d bytes, %d were told; %d stay, and %d of rubbish", len(data), floor, cut, len(left)-cut), nil
}

// lastGroup returns where the last group of records begins: those that were
// written after the last sync.
func lastGroup(data []byte) int {
	const sum = 8 // hexadecimal digits of a record's checksum; a + after it begins a group
	begin, at := 0, 0
	for line := range bytes.Lines(data) {
		if len(line) > sum && line[sum] == '+' {
			begin = at
		}
		at += len(line)
	}
	return begin
}

func rubbish(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	if rng.IntN(3) == 0 {
		return b // zeros: a length that was written before its bytes
	}
	for i := range b {
		b[i] = byte(rng.UintN(256))
	}
	return b
}

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"quire"
	"quire/internal/dispatch"
)

const claimed = `SET state = 'STARTING', claim_owner = ?, claim_token = claim_token + 1, claim_until = ?`

var (
	// A deleted project has no QUEUED executions: see abortQueued.
	claimQueued = `UPDATE executions ` + claimed + `
		WHERE seq = (SELECT seq FROM executions WHERE state = 'QUEUED' AND project_id = (
				SELECT id FROM projects
				WHERE queued > 0 AND (iif(max_running = 0, ?, max_running) < 0 OR running < iif(max_running = 0, ?, max_running))
				ORDER BY priority DESC, running, served, seq LIMIT 1)
			ORDER BY priority DESC, seq LIMIT 1)
		RETURNING ` + executionColumns

	claimExecution = `UPDATE executions ` + claimed + `
		WHERE state = 'QUEUED' AND id = ?
		RETURNING ` + executionColumns

	claimAbandoned = `UPDATE executions
		SET claim_owner = ?, claim_token = claim_token + 1, claim_until = ?
		WHERE state IN ('STARTING', 'RUNNING') AND claim_owner != ? AND claim_until <= ?
		RETURNING ` + executionColumns + `, seq`

	renewClaims = `UPDATE executions SET claim_until = max(claim_until, ?)
		WHERE state IN ('STARTING', 'RUNNING') AND claim_owner = ?`

	saveProgress = `UPDATE executions
		SET ` + strings.ReplaceAll(progressColumns, ",", " = ?,") + ` = ?, handle = ?, claim_owner = ?, claim_until = iif(?, claim_until, 0)
		WHERE id = ? AND claim_owner = ? AND claim_token = ? AND state IN ('STARTING', 'RUNNING')
		RETURNING project_id`
)

// ClaimQueued implements dispatch.Store.
func (s *Store) ClaimQueued(ctx context.Context, owner string, until time.Time, maxRunning int) (quire.Execution, bool, error) {
	return s.claim(ctx, s.stmts.claimQueued, owner, moment{&until}, maxRunning, maxRunning)
}

// ClaimExecution implements dispatch.Store.
func (s *Store) ClaimExecution(ctx context.Context, id quire.ExecutionID, owner string, until time.Time) (quire.Execution, bool, error) {
	return s.claim(ctx, s.stmts.claimExecution, owner, moment{&until}, id)
}

func (s *Store) claim(ctx context.Context, stmt *sql.Stmt, args ...any) (quire.Execution, bool, error) {
	var e quire.Execution
	err := s.together(ctx, func(tx *sql.Tx) error {
		return queryRow(ctx, tx, stmt, args...).Scan(executionFields(&e)...)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return quire.Execution{}, false, nil
	case err != nil:
		return quire.Execution{}, false, fmt.Errorf("claim execution: %w", err)
	}
	return e, true, nil
}

// ClaimAbandoned implements dispatch.Store; the oldest come first.
func (s *Store) ClaimAbandoned(ctx context.Context, owner string, now, until time.Time) ([]quire.Execution, error) {
	type numbered struct {
		execution quire.Execution
		seq       int64
	}
	var found []numbered
	err := s.write(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, claimAbandoned, owner, moment{&until}, owner, moment{&now})
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			e, seq, err := scanExecution(rows)
			if err != nil {
				return err
			}
			found = append(found, numbered{e, seq})
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("claim abandoned executions: %w", err)
	}
	slices.SortFunc(found, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	executions := make([]quire.Execution, len(found))
	for i, c := range found {
		executions[i] = c.execution
	}
	return executions, nil
}

// Cancelled implements dispatch.Store; the oldest come first.
func (s *Store) Cancelled(ctx context.Context) ([]quire.ExecutionID, error) {
	ids, err := column[quire.ExecutionID](ctx, s.reader,
		"SELECT id FROM executions WHERE state = 'QUEUED' AND cancel_requested_at > 0 ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("list cancelled executions: %w", err)
	}
	return ids, nil
}

// RenewClaims implements dispatch.Store. A lease that lasts longer already stays.
func (s *Store) RenewClaims(ctx context.Context, owner string, until time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, renewClaims, moment{&until}, owner)
		return err
	})
	if err != nil {
		return fmt.Errorf("renew claims: %w", err)
	}
	return nil
}

// SaveProgress implements dispatch.Store. An execution of a deleted project
// that would go back into the queue ends instead.
func (s *Store) SaveProgress(ctx context.Context, id quire.ExecutionID, claim quire.Claim, handle quire.Handle, p quire.Progress, failed *quire.Error) error {
	err := s.together(ctx, func(tx *sql.Tx) error {
		keep := p.State != quire.Queued && !p.State.Ended()
		owner := ""
		if keep {
			owner = claim.Owner
		}
		var project quire.ProjectID
		args := append(progressFields(&p), rawText{&handle}, owner, keep, id, claim.Owner, claim.Token)
		err := queryRow(ctx, tx, s.stmts.saveProgress, args...).Scan(&project)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return dispatch.ErrClaimLost
		case err != nil:
			return err
		case p.State == quire.Queued:
			err := s.projectThere(ctx, tx, project)
			if quire.CodeOf(err) == quire.NotFound {
				return s.abortQueued(ctx, tx, project)
			}
			return err
		case p.State.Ended():
			if err := s.spend(ctx, tx, project, p.Units); err != nil {
				return err
			}
			return s.endExecution(ctx, tx, id, p.State, failed)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save progress of execution %s: %w", id, err)
	}
	if p.State == quire.Running || p.State.Ended() {
		s.notices.ring()
	}
	return nil
}

// endExecution makes the execution's operation done.
func (s *Store) endExecution(ctx context.Context, tx *sql.Tx, id quire.ExecutionID, state quire.State, failed *quire.Error) error {
	var result any
	if failed == nil {
		result = `"` + string(state) + `"`
	}
	now := s.orNow(s.now())
	return exec(ctx, tx, s.stmts.endOperation, result, failureText{&failed}, moment{&now}, id)
}

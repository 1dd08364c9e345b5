package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"quire"
)

const (
	projectColumns = "id, community_id, name, description, labels, settings, limits, run, policy, priority, max_running, created_by, created_at"
	selectProject  = "SELECT " + projectColumns + " FROM projects WHERE id = ? AND deletion IS NULL"
)

// storedSettings and storedLimits fix the names under which the database keeps
// the fields; the conversion fails to compile where the vocabulary moves on.
type storedSettings struct {
	ServiceAccountID    string             `json:"serviceAccountId,omitempty"`
	SubnetID            string             `json:"subnetId,omitempty"`
	DataProcClusterID   string             `json:"dataProcClusterId,omitempty"`
	SecurityGroupIDs    []string           `json:"securityGroupIds"` // nil and empty differ
	EarlyAccess         bool               `json:"earlyAccess,omitempty"`
	IDE                 string             `json:"ide,omitempty"`
	DefaultFolderID     string             `json:"defaultFolderId,omitempty"`
	StaleTimeout        quire.StaleTimeout `json:"staleTimeout,omitempty"`
	VMInactivityTimeout time.Duration      `json:"vmInactivityTimeout,omitempty"`
	DefaultSpec         string             `json:"defaultSpec,omitempty"`
}

type storedLimits struct {
	MaxUnitsPerHour      *int64 `json:"maxUnitsPerHour,omitempty"`
	MaxUnitsPerExecution *int64 `json:"maxUnitsPerExecution,omitempty"`
}

// projectFields lists p's fields in the order of projectColumns.
func projectFields(p *quire.Project) []any {
	return []any{
		&p.ID, &p.CommunityID, &p.Name, &p.Description, asJSON(&p.Labels),
		asJSON((*storedSettings)(&p.Settings)), asJSON((*storedLimits)(&p.Limits)), asJSON(&p.Run),
		asJSON(&p.Policy), &p.Policy.Priority, &p.Policy.MaxRunning,
		&p.CreatedBy,
		moment{&p.CreatedAt},
	}
}

// CreateProject implements service.ProjectStore. A community that does not
// exist is NotFound.
func (s *Store) CreateProject(ctx context.Context, p quire.Project, op quire.Operation) (quire.Operation, error) {
	p.CreatedAt = s.orNow(p.CreatedAt)
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if err := communityThere(ctx, tx, p.CommunityID); err != nil {
			return err
		}
		args := append(projectFields(&p), fold(p.Name))
		if _, err := tx.ExecContext(ctx, insert("projects", projectColumns+", name_folded"), args...); err != nil {
			return taken(err, "project", string(p.ID))
		}
		return finish(op, p)
	})
}

func communityThere(ctx context.Context, tx *sql.Tx, id quire.CommunityID) error {
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM communities WHERE id = ?", id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return &quire.Error{Code: quire.NotFound, Field: "community_id", Message: fmt.Sprintf("community %q not found", id)}
	}
	return err
}

// Project implements service.ProjectStore.
func (s *Store) Project(ctx context.Context, id quire.ProjectID) (quire.Project, error) {
	var p quire.Project
	if err := s.reader.QueryRowContext(ctx, selectProject, id).Scan(projectFields(&p)...); err != nil {
		return quire.Project{}, fmt.Errorf("get project: %w", orNotFound(err, "project", string(id)))
	}
	return p, nil
}

// Projects implements service.ProjectStore.
func (s *Store) Projects(ctx context.Context, f quire.ProjectFilter) ([]quire.Project, string, error) {
	l := list{what: "projects", columns: projectColumns + ", seq", where: []string{"deletion IS NULL"}}
	l.narrow("community_id = ?", string(f.CommunityID))
	l.narrow("instr(name_folded, ?)", fold(f.NamePattern))
	l.narrow("created_by = ?", f.CreatedBy)
	return fetch(ctx, s.reader, l, f.Page, func(row scanner) (p quire.Project, seq int64, err error) {
		err = row.Scan(append(projectFields(&p), &seq)...)
		return p, seq, err
	})
}

// UpdateProject implements service.ProjectStore.
func (s *Store) UpdateProject(ctx context.Context, id quire.ProjectID, op quire.Operation, change func(*quire.Project) error) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		var old quire.Project
		if err := tx.QueryRowContext(ctx, selectProject, id).Scan(projectFields(&old)...); err != nil {
			return orNotFound(err, "project", string(id))
		}
		p := old
		if err := change(&p); err != nil {
			return err
		}
		p.ID, p.CreatedBy, p.CreatedAt = old.ID, old.CreatedBy, old.CreatedAt
		if err := communityThere(ctx, tx, p.CommunityID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE projects
			SET community_id = ?, name = ?, description = ?, labels = ?, settings = ?, limits = ?, run = ?,
				policy = ?, priority = ?, max_running = ?, name_folded = ?
			WHERE id = ?`,
			p.CommunityID, p.Name, p.Description, asJSON(&p.Labels),
			asJSON((*storedSettings)(&p.Settings)), asJSON((*storedLimits)(&p.Limits)), asJSON(&p.Run),
			asJSON(&p.Policy), p.Policy.Priority, p.Policy.MaxRunning, fold(p.Name), id)
		if err != nil {
			return err
		}
		return finish(op, p)
	})
}

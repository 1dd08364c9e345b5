package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"quire"
)

const (
	communityColumns = "id, name, description, labels, organization_id, zone_id, created_by, created_at"
	selectCommunity  = "SELECT " + communityColumns + " FROM communities WHERE id = ?"
)

// communityFields lists c's fields in the order of communityColumns.
func communityFields(c *quire.Community) []any {
	return []any{
		&c.ID, &c.Name, &c.Description, asJSON(&c.Labels), &c.OrganizationID, &c.ZoneID, &c.CreatedBy, moment{&c.CreatedAt},
	}
}

// CreateCommunity implements service.CommunityStore.
func (s *Store) CreateCommunity(ctx context.Context, c quire.Community, op quire.Operation) (quire.Operation, error) {
	c.CreatedAt = s.orNow(c.CreatedAt)
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		args := append(communityFields(&c), fold(c.Name), fold(c.Description))
		_, err := tx.ExecContext(ctx, insert("communities", communityColumns+", name_folded, description_folded"), args...)
		if err != nil {
			return taken(err, "community", string(c.ID))
		}
		return finish(op, c)
	})
}

// Community implements service.CommunityStore.
func (s *Store) Community(ctx context.Context, id quire.CommunityID) (quire.Community, error) {
	var c quire.Community
	if err := s.reader.QueryRowContext(ctx, selectCommunity, id).Scan(communityFields(&c)...); err != nil {
		return quire.Community{}, fmt.Errorf("get community: %w", orNotFound(err, "community", string(id)))
	}
	return c, nil
}

// Communities implements service.CommunityStore.
func (s *Store) Communities(ctx context.Context, f quire.CommunityFilter) ([]quire.Community, string, error) {
	l := list{what: "communities", columns: communityColumns + ", seq"}
	l.narrow("instr(name_folded || char(0) || description_folded, ?)", fold(f.Pattern))
	l.narrow("created_by = ?", f.CreatedBy)
	l.narrow("organization_id = ?", f.OrganizationID)
	return fetch(ctx, s.reader, l, f.Page, func(row scanner) (c quire.Community, seq int64, err error) {
		err = row.Scan(append(communityFields(&c), &seq)...)
		return c, seq, err
	})
}

// UpdateCommunity implements service.CommunityStore.
func (s *Store) UpdateCommunity(ctx context.Context, id quire.CommunityID, op quire.Operation, change func(*quire.Community) error) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		var old quire.Community
		if err := tx.QueryRowContext(ctx, selectCommunity, id).Scan(communityFields(&old)...); err != nil {
			return orNotFound(err, "community", string(id))
		}
		c := old
		if err := change(&c); err != nil {
			return err
		}
		c.ID, c.CreatedBy, c.CreatedAt = old.ID, old.CreatedBy, old.CreatedAt
		_, err := tx.ExecContext(ctx, `UPDATE communities
			SET name = ?, description = ?, labels = ?, organization_id = ?, zone_id = ?, name_folded = ?, description_folded = ?
			WHERE id = ?`,
			c.Name, c.Description, asJSON(&c.Labels), c.OrganizationID, c.ZoneID, fold(c.Name), fold(c.Description), id)
		if err != nil {
			return err
		}
		return finish(op, c)
	})
}

// DeleteCommunity implements service.CommunityStore. Projects that wait for
// their purge do not hold it back.
func (s *Store) DeleteCommunity(ctx context.Context, id quire.CommunityID, op quire.Operation) (quire.Operation, error) {
	return s.mutate(ctx, op, func(tx *sql.Tx, op *quire.Operation) error {
		if id == quire.DefaultCommunity {
			return quire.Errorf(quire.FailedPrecondition, "community %q cannot be deleted", id)
		}
		var projects int
		err := tx.QueryRowContext(ctx,
			"SELECT count(*) FROM projects WHERE community_id = ? AND deletion IS NULL", id).Scan(&projects)
		if err != nil {
			return err
		}
		if projects > 0 {
			return quire.Errorf(quire.FailedPrecondition, "community %q has projects (%d): delete them first", id, projects)
		}
		result, err := tx.ExecContext(ctx, "DELETE FROM communities WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return notFound("community", string(id))
		}
		return finish(op, nil)
	})
}

package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
)

// Migrations are the numbered files that Open applies.
var Migrations = migrations

// Migrate opens the database at path and applies files to it alone.
func Migrate(ctx context.Context, path string, files fs.FS) error {
	db, err := pool(path, 1, map[string][]string{"_txlock": {"immediate"}})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return migrate(ctx, db, files)
}

// Pragma returns what SQLite answers on every connection that s can have at
// once for the named setting: the writer's first.
func (s *Store) Pragma(ctx context.Context, name string) (values []string, err error) {
	for db, n := range map[*sql.DB]int{s.writer: 1, s.reader: readers} {
		var found []string
		for range n {
			conn, err := db.Conn(ctx) // held to the end: each is another one
			if err != nil {
				return nil, err
			}
			defer func() { _ = conn.Close() }()
			var value string
			if err := conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			found = append(found, value)
		}
		if db == s.writer {
			values = append(found, values...)
		} else {
			values = append(values, found...)
		}
	}
	return values, nil
}

// Together makes several changes in one transaction, as if they had come while
// another one was under way, and returns their errors.
func (s *Store) Together(ctxs []context.Context, changes ...func(tx *sql.Tx) error) []error {
	group := make([]*change, len(changes))
	for i, f := range changes {
		group[i] = &change{ctx: ctxs[i], f: f, done: make(chan struct{})}
	}
	s.commit(group)
	errs := make([]error, len(group))
	for i, c := range group {
		<-c.done
		errs[i] = c.err
	}
	return errs
}

package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var embedded embed.FS

var migrations = func() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}()

// applicationID marks a SQLite file as Quire's: "Quir" in ASCII.
const applicationID = 0x51756972

// migrate applies those of the numbered files that the database has not seen,
// each in a transaction that also raises the database's version.
func migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql") // in lexical order
	if err != nil {
		return err
	}
	for i, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return fmt.Errorf("migration %s: its number must be %04d", name, i+1)
		}
	}
	for {
		more, err := migrateOnce(ctx, db, files, names)
		if err != nil || !more {
			return err
		}
	}
}

// migrateOnce applies the next migration, if there is one. The version is read
// under the write lock, for another process may be migrating too.
func migrateOnce(ctx context.Context, db *sql.DB, files fs.FS, names []string) (bool, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	version, err := checkVersion(ctx, tx, len(names))
	if err != nil || version == len(names) {
		return false, err
	}
	name := names[version]
	statements, err := fs.ReadFile(files, name)
	if err != nil {
		return false, err
	}
	statements = fmt.Appendf(statements, "\n;PRAGMA user_version = %d; PRAGMA application_id = %d;", version+1, applicationID)
	if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
		return false, fmt.Errorf("migration %s: %w", name, err)
	}
	return true, tx.Commit()
}

// checkVersion returns the database's version, 0 for an empty one, or an error
// if it is no database for a Quire that knows the versions up to known.
func checkVersion(ctx context.Context, tx *sql.Tx, known int) (int, error) {
	var version, id, objects int
	for query, value := range map[string]*int{
		"PRAGMA user_version":                &version,
		"PRAGMA application_id":              &id,
		"SELECT count(*) FROM sqlite_schema": &objects,
	} {
		if err := tx.QueryRowContext(ctx, query).Scan(value); err != nil {
			return 0, err
		}
	}
	switch {
	case id != applicationID && (objects > 0 || version != 0 || id != 0):
		return 0, fmt.Errorf("it belongs to another program, not to Quire")
	case version > known:
		return 0, fmt.Errorf("it has version %d and this Quire knows versions up to %d: use a newer Quire", version, known)
	}
	return version, nil
}

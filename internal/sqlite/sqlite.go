// Package sqlite keeps communities, projects, operations and executions in one
// SQLite file. Every change is one transaction that is on disk before it is
// answered.
//
// It knows nothing of what an execution does or who may call: that is for the
// packages dispatch and service, whose stores it is.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	driver "modernc.org/sqlite" // "sqlite" in package sql
	sqlite3 "modernc.org/sqlite/lib"

	"quire/internal/dispatch"
	"quire/internal/service"
)

var (
	_ service.Store         = (*Store)(nil)
	_ service.DeletionStore = (*Store)(nil)
	_ dispatch.Store        = (*Store)(nil)
)

// readers is the number of connections that read beside the one that writes.
const readers = 4

// create makes an empty file unless there is one. Inputs may be secrets: the
// file, and the journals that take over its mode, are for the owner alone.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// To open it and close it again would drop the locks that this process has on it.
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return unix.EISDIR
	}
	return nil
}

// busyTimeout is how long a change waits for those of other processes.
const busyTimeout = 10 * time.Second

// Options adjusts a Store; nil means the defaults.
type Options struct {
	Now func() time.Time // the clock; time.Now where it is nil
}

// Store is an open database. It is safe for concurrent use, by several
// processes too.
type Store struct {
	writer *sql.DB // one connection, whose transactions lock for writing at their start
	reader *sql.DB // may not write
	stmts  statements
	group  group
	now    func() time.Time

	notices notices

	closing sync.Once
	closed  error
}

// Open opens the database at path, makes it if there is none, and brings its
// schema up to date. It refuses a file that is not Quire's or that a newer
// Quire has written. The caller must Close the store.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s.now = time.Now
	if opts != nil && opts.Now != nil {
		s.now = opts.Now
	}
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	if err := create(path); err != nil {
		return nil, err
	}
	s := &Store{group: group{lead: make(chan struct{}, 1)}}
	defer func() {
		if err != nil {
			_ = s.closePools()
		}
	}()
	if s.writer, err = pool(path, 1, url.Values{
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
	}); err != nil {
		return nil, err
	}
	if err := connect(ctx, s.writer); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.writer, migrations); err != nil {
		return nil, err
	}
	if s.reader, err = pool(path, readers, url.Values{"_query_only": {"true"}}); err != nil {
		return nil, err
	}
	if err := fill(ctx, s.reader, readers); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// pool returns a pool of at most size connections to the file at path.
func pool(path string, size int, settings url.Values) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	settings.Set("_busy_timeout", strconv.FormatInt(busyTimeout.Milliseconds(), 10))
	settings.Set("_foreign_keys", "true")
	settings.Set("_dqs", "false")
	settings.Set("_error_rc", "true")
	// Without a limit, the journal stays as long as the largest transaction made it.
	settings.Set("_pragma", "journal_size_limit(67108864)")
	name := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// fill makes all connections that a pool may have, and which it keeps: later
// there may be no file descriptors left for one.
func fill(ctx context.Context, db *sql.DB, size int) (err error) {
	for range size {
		conn, connErr := db.Conn(ctx) // held to the end: each is another one
		if connErr != nil {
			return errors.Join(err, connErr)
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		// With the first look at the database, SQLite opens its journal.
		if _, execErr := conn.ExecContext(ctx, "PRAGMA schema_version"); execErr != nil {
			return errors.Join(err, execErr)
		}
	}
	return nil
}

// connect makes the first connection, which gives the file its journal. While
// another process does the same, SQLite says at once that it is busy: either
// would wait for the other.
func connect(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		err := checkDurable(ctx, db)
		if e, ok := errors.AsType[*driver.Error](err); !ok || e.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(busyTimeout / 1000):
		}
	}
}

// checkDurable asks SQLite what it has made of the settings: it falls back to
// another journal without a word where a file system cannot share memory.
func checkDurable(ctx context.Context, db *sql.DB) error {
	var journal string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return err
	}
	if journal != "wal" {
		return fmt.Errorf("the file system allows only the journal mode %s, not wal", journal)
	}
	return nil
}

// Close moves what is in the journal into the database file and closes it. It
// is idempotent and waits for running transactions.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.closePools() })
	return s.closed
}

// closePools closes the writer last: SQLite empties the journal into the
// database when the last connection goes.
func (s *Store) closePools() error {
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db == nil {
			continue
		}
		if err := db.Close(); err != nil {
			return fmt.Errorf("close database: %w", err)
		}
	}
	return nil
}

// Ready returns nil if the database answers.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("ask database: %w", err)
	}
	return nil
}

package sqlite_test

import (
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"quire"
	"quire/internal/sqlite"
)

// upTo returns the first n of the migrations that Quire has.
func upTo(t *testing.T, n int) fstest.MapFS {
	t.Helper()
	names, err := fs.Glob(sqlite.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names[:n] {
		content, err := fs.ReadFile(sqlite.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	return files
}

// A database of any version that ever was is brought up to date with its rows.
func TestMigrateFromEveryVersion(t *testing.T) {
	names, err := fs.Glob(sqlite.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for version := range names {
		path := filepath.Join(t.TempDir(), "quire.db")
		if err := sqlite.Migrate(t.Context(), path, upTo(t, version)); err != nil {
			t.Fatal(err)
		}
		if version >= 1 {
			execute(t, path, `INSERT INTO communities (id, name, description, labels, organization_id, zone_id,
				created_by, created_at, name_folded, description_folded) VALUES ('old', 'old', '', 'null', '', '', '', 1, 'old', '')`)
		}
		s := open(t, path)
		ids := []quire.CommunityID{quire.DefaultCommunity, "old"}
		for _, id := range ids[:min(version+1, 2)] {
			if _, err := s.Community(t.Context(), id); err != nil {
				t.Errorf("from version %d: %v", version, err)
			}
		}
	}
}

func TestMigrate(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "quire.db")
	version := func() string { return query(t, path, "PRAGMA user_version") }
	migrate := func(more map[string]string) error {
		files := upTo(t, 1)
		for name, content := range more {
			files[name] = &fstest.MapFile{Data: []byte(content)}
		}
		return sqlite.Migrate(ctx, path, files)
	}
	if err := migrate(nil); err != nil || version() != "1" {
		t.Fatalf("version %s, error %v, want version 1", version(), err)
	}
	second := map[string]string{"0002_more.sql": "CREATE TABLE more (a); UPDATE communities SET name = 'second'"}

	broken := maps.Clone(second)
	broken["0002_more.sql"] += "; INSERT INTO none VALUES (1)"
	err := migrate(broken)
	if err == nil || !strings.Contains(err.Error(), "0002_more.sql") {
		t.Fatalf("error %v, want one that names the migration", err)
	}
	name := query(t, path, "SELECT name || (SELECT count(*) FROM sqlite_schema WHERE name = 'more') FROM communities")
	if version() != "1" || name != "default0" {
		t.Fatalf("version %s and %s after a migration broke, want 1 and nothing of it", version(), name)
	}

	for range 2 { // the second time there is nothing to do
		if err := migrate(second); err != nil || version() != "2" {
			t.Fatalf("version %s, error %v, want version 2", version(), err)
		}
	}
	if err := migrate(nil); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("error %v, want one that names the newer version", err)
	}
	second["0004_gap.sql"] = ""
	if err := migrate(second); err == nil || !strings.Contains(err.Error(), "0003") {
		t.Errorf("error %v, want one that says which number is missing", err)
	}
}

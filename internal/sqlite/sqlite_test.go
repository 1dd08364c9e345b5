package sqlite_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/service"
	"quire/internal/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashDatabase); path != "" {
		os.Exit(writeUntilKilled(path))
	}
	goleak.VerifyTestMain(m)
}

func TestSettings(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "quire.db"))
	const readers = 4
	everywhere := func(value string) []string { return slices.Repeat([]string{value}, 1+readers) }
	for name, want := range map[string][]string{
		"journal_mode":       everywhere("wal"),
		"busy_timeout":       everywhere("10000"),
		"foreign_keys":       everywhere("1"),
		"synchronous":        everywhere("2"), // FULL
		"journal_size_limit": everywhere("67108864"),
		"query_only":         append([]string{"0"}, slices.Repeat([]string{"1"}, readers)...),
	} {
		got, err := s.Pragma(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: -got +want\n%s", name, diff)
		}
	}
}

func TestReadsNeedNoNewDescriptors(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "quire.db"))
	id := addProject(t, s)
	exhaustDescriptors(t)
	if _, err := s.Pragma(t.Context(), "journal_mode"); err != nil { // on all connections at once
		t.Errorf("connections: %v", err)
	}
	if _, err := s.Project(t.Context(), id); err != nil {
		t.Errorf("project: %v", err)
	}
	_, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "another.db"), nil)
	if !errors.Is(err, unix.EMFILE) {
		t.Errorf("another database: got %v, want that there are no descriptors", err)
	}
}

// exhaustDescriptors lets this process open no file until the test has ended.
func exhaustDescriptors(t *testing.T) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	lowest, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(lowest); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(lowest), Max: limit.Max}); err != nil { //nolint:gosec // a file descriptor
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	})
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quire.db")
	s := open(t, path)
	addProject(t, s)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(name), got)
		}
	}
}

// A name is a name, whatever an address would make of it.
func TestOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%41?mode=memory#ü.db")
	id := addProject(t, open(t, path))
	if _, err := open(t, path).Project(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quire.db")
	s := open(t, path)
	project := addProject(t, s)
	e := quire.Execution{ID: "e", ProjectID: project, Inputs: map[string]any{"x": "y"}, Progress: quire.Progress{State: quire.Queued}}
	if _, err := s.CreateExecution(t.Context(), e, quire.Operation{ID: "e", Kind: quire.OpExecute}, service.QueueLimits{}); err != nil {
		t.Fatal(err)
	}
	want, _, err := s.ClaimQueued(t.Context(), "d1", time.Unix(1, 0), -1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the journal is there after Close: %v", err)
	}
	if _, err := s.Project(t.Context(), project); err == nil {
		t.Error("a closed store answers")
	}
	got, err := open(t, path).Execution(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("execution: -got +want\n%s", diff)
	}
}

// A value that is JSON already is stored as it was written.
func TestJSONAsGiven(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "quire.db"))
	project := addProject(t, s)
	_, err := s.CreateExecution(t.Context(), quire.Execution{ID: "e", ProjectID: project}, quire.Operation{ID: "e"}, service.QueueLimits{})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := s.ClaimQueued(t.Context(), "d1", time.Now(), -1)
	if err != nil {
		t.Fatal(err)
	}
	const value = `{"b":"<&>\u0041","a":1.50}`
	want := quire.Progress{
		State:   quire.Running,
		Outputs: []quire.Variable{{Name: "x", Type: quire.DictVariable, Value: json.RawMessage(value)}},
	}
	if err := s.SaveProgress(t.Context(), "e", e.Claim, json.RawMessage(`{ "pid": 1 }`), want, nil); err != nil {
		t.Fatal(err)
	}
	if e, err = s.Execution(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	if got := string(e.Outputs[0].Value); got != value {
		t.Errorf("output %s, want %s", got, value)
	}
	if got := string(e.Handle); got != `{ "pid": 1 }` {
		t.Errorf("handle %s, want it as it was", got)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "quire.db"), &sqlite.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	project := addProject(t, s)
	_, err = s.CreateExecution(t.Context(), quire.Execution{ID: "e", ProjectID: project}, quire.Operation{ID: "e"}, service.QueueLimits{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.RequestCancel(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]time.Time{"created": e.CreatedAt, "asked to stop": e.CancelRequestedAt} {
		if got != now.UTC() {
			t.Errorf("%s at %v, want %v", what, got, now.UTC())
		}
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(dir, "foreign.db")
	execute(t, foreign, "CREATE TABLE t (a)")
	cut := filepath.Join(dir, "cut.db")
	if err := open(t, cut).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(cut, 8192); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, newer, "PRAGMA user_version = 1000")

	for _, test := range []struct{ name, path, want string }{
		{"not a database", write("text.db", strings.Repeat("not a database\n", 1000)), "file is not a database"},
		{"cut short", cut, "malformed"},
		{"another program's", foreign, "another program"},
		{"a newer version", newer, "use a newer Quire"},
		{"a folder", dir, "is a directory"},
		{"no folder", filepath.Join(dir, "none", "quire.db"), "no such file or directory"},
		{"a file as its folder", filepath.Join(write("file", ""), "quire.db"), "not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := sqlite.Open(t.Context(), test.path, nil)
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one that names the file and says %q", err, test.want)
			}
		})
	}
	if got := query(t, foreign, "SELECT count(*) FROM sqlite_schema"); got != "1" {
		t.Errorf("another program's database has %s tables after it was refused, want 1", got)
	}
}

// Two servers may open one file, at the same time for the first time too.
func TestTwoStores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quire.db")
	const stores, each = 2, 50
	var opening sync.WaitGroup
	var all [stores]*sqlite.Store
	var errs [stores]error
	for i := range all {
		opening.Go(func() { all[i], errs[i] = sqlite.Open(t.Context(), path, nil) })
	}
	opening.Wait()
	for i, s := range all {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		t.Cleanup(func() { _ = s.Close() })
	}
	var writing sync.WaitGroup
	for _, s := range all {
		writing.Go(func() {
			for range each {
				id := quire.NewID()
				p := quire.Project{ID: quire.ProjectID(id), CommunityID: quire.DefaultCommunity}
				if _, err := s.CreateProject(t.Context(), p, quire.Operation{ID: quire.OperationID(id)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	found, _, err := all[0].Projects(t.Context(), quire.ProjectFilter{Page: quire.Page{Size: quire.MaxPageSize}})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != stores*each {
		t.Errorf("%d projects, want %d", len(found), stores*each)
	}
}

func addProject(tb testing.TB, s *sqlite.Store) quire.ProjectID {
	tb.Helper()
	id := quire.NewID()
	p := quire.Project{ID: quire.ProjectID(id), CommunityID: quire.DefaultCommunity, Name: "a project"}
	_, err := s.CreateProject(tb.Context(), p, quire.Operation{ID: quire.OperationID(id), Kind: quire.OpCreateProject})
	if err != nil {
		tb.Fatal(err)
	}
	return p.ID
}

// execute runs a statement on the file at path, past any store.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// query returns the one value that a query on the file at path has.
func query(t *testing.T, path, statement string) (value string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), statement).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

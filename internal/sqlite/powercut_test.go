package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/service"
	"quire/internal/sqlite"
)

const (
	sector    = 512       // what a disk writes as a whole
	walHeader = 32        // bytes before the first frame of the write-ahead log
	frame     = 4096 + 24 // a page in it, and its head
)

// disk is what the two files of a database hold, and what the database says.
type disk struct {
	db, wal []byte
	state   string
}

// look reads the files as they are. All of it is durable if the last
// transaction was acknowledged.
func look(t *testing.T, path string) disk {
	t.Helper()
	var d disk
	for suffix, data := range map[string]*[]byte{"": &d.db, "-wal": &d.wal} {
		var err error
		if *data, err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	d.state = dump(t, path)
	return d
}

// dump returns every row of every table.
func dump(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	tables := strings.Split(row(t, db, "SELECT group_concat(name, ',') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name)"), ",")
	var b strings.Builder
	for _, table := range tables {
		columns := row(t, db, fmt.Sprintf("SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info('%s')", table))
		rows := row(t, db, fmt.Sprintf("SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT %s AS line FROM %s ORDER BY rowid)", columns, table))
		fmt.Fprintf(&b, "%s\n%s\n", table, rows)
	}
	if got := row(t, db, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
	return b.String()
}

func row(t *testing.T, db *sql.DB, statement string) (value string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

// checkpoint moves what is in the log into the database file. The next
// transaction begins the log anew, over what is in it.
func checkpoint(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var busy, frames, moved int
	if err := db.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &moved); err != nil {
		t.Fatal(err)
	}
	if busy != 0 || frames == 0 || moved != frames {
		t.Fatalf("busy %d, %d frames of %d were moved", busy, moved, frames)
	}
}

// work creates, claims and ends executions, and returns what the disk holds
// after each transaction and each checkpoint.
func work(t *testing.T, path string) []disk {
	t.Helper()
	s := open(t, path)
	if _, err := s.CreateProject(t.Context(), quire.Project{ID: "p", CommunityID: quire.DefaultCommunity}, quire.Operation{ID: "p"}); err != nil {
		t.Fatal(err)
	}
	disks := []disk{look(t, path)}
	for i := range 3 {
		for j := range 2 {
			id := fmt.Sprintf("e%d%d", i, j)
			e := quire.Execution{
				ID: quire.ExecutionID(id), ProjectID: "p", Progress: quire.Progress{State: quire.Queued},
				Inputs: map[string]any{"text": strings.Repeat("x", 6000*j)}, // more than a page
			}
			if _, err := s.CreateExecution(t.Context(), e, quire.Operation{ID: quire.OperationID(id), Kind: quire.OpExecute}, service.QueueLimits{}); err != nil {
				t.Fatal(err)
			}
			disks = append(disks, look(t, path))
		}
		e, ok, err := s.ClaimQueued(t.Context(), "d1", time.Now().Add(time.Hour), -1)
		if err != nil || !ok {
			t.Fatalf("claim: %t, %v", ok, err)
		}
		disks = append(disks, look(t, path))
		for _, state := range []quire.State{quire.Running, quire.Succeeded} {
			if err := s.SaveProgress(t.Context(), e.ID, e.Claim, nil, quire.Progress{State: state, Attempt: 1}, nil); err != nil {
				t.Fatal(err)
			}
			disks = append(disks, look(t, path))
		}
		if i < 2 {
			checkpoint(t, path)
			disks = append(disks, look(t, path))
		}
	}
	return disks
}

// A lab makes crash images and looks at what becomes of them.
type lab struct {
	dir    string
	rng    *rand.Rand
	shm    []byte // of a database in use: a crash may leave it behind
	images int
}

// garble returns one of the contents that the bytes may have on the disk while
// they are written over: before, after, or anything.
func (l *lab) garble(before, after []byte) []byte {
	switch l.rng.IntN(6) {
	case 0:
		return make([]byte, len(after))
	case 1:
		anything := make([]byte, len(after))
		for i := range anything {
			anything[i] = byte(l.rng.Uint32())
		}
		return anything
	case 2, 3:
		return before
	}
	return after
}

// between returns a file that is being changed from before to after: what the
// two have in common up to durable is kept, sectors beyond are of either, or
// garbage where they differ, and its length is of either or between.
func (l *lab) between(before, after []byte, durable int) []byte {
	longer := max(len(before), len(after))
	old, image := make([]byte, longer), make([]byte, longer)
	copy(old, before)
	copy(image, before)
	copy(image, after)
	for at := durable / sector * sector; at < longer; at += sector {
		from, to := max(at, durable), min(at+sector, longer)
		if !bytes.Equal(old[from:to], image[from:to]) {
			copy(image[from:to], l.garble(old[from:to], image[from:to]))
		}
	}
	shorter := max(durable, min(len(before), len(after)))
	return image[:shorter+l.rng.IntN(longer-shorter+1)]
}

// check opens a crash image, which must be one of the states, and work on.
func (l *lab) check(t *testing.T, what string, db, wal []byte, states ...string) {
	t.Helper()
	l.images++
	path := filepath.Join(l.dir, fmt.Sprintf("%d.db", l.images))
	shm := l.shm
	switch l.images % 3 {
	case 0:
		shm = nil
	case 1:
		shm = l.garble(l.shm, bytes.Repeat([]byte{0xff}, len(l.shm)))
	}
	for suffix, data := range map[string][]byte{"": db, "-wal": wal, "-shm": shm} {
		if suffix == "-shm" && shm == nil {
			continue
		}
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got := dump(t, path)
	if !slices.Contains(states, got) {
		t.Errorf("%s: the database is in no state that was acknowledged: %s", what, cmp.Diff(states[0], got))
	}
	if l.images%8 == 0 {
		if _, err := s.CreateProject(t.Context(), quire.Project{ID: "new", CommunityID: quire.DefaultCommunity}, quire.Operation{ID: "new"}); err != nil {
			t.Errorf("%s: then: %v", what, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(path + suffix) // most of them are gone by now
	}
}

// The power is cut at any moment of a store's life. What was acknowledged is
// there, what was not is there whole or not at all.
func TestPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quire.db")
	disks := work(t, path)
	shm, err := os.ReadFile(path + "-shm")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{dir: t.TempDir(), rng: rand.New(rand.NewPCG(7, 8)), shm: shm}
	kinds := map[string]int{}
	for i, now := range disks {
		l.check(t, fmt.Sprintf("step %d, acknowledged", i), now.db, now.wal, now.state)
		if i == 0 {
			continue
		}
		before := disks[i-1]
		step := fmt.Sprintf("step %d", i)
		switch {
		case before.state == now.state:
			kinds["checkpoint"]++
			l.duringCheckpoint(t, step, before, now)
		case !bytes.Equal(before.db, now.db):
			t.Fatalf("%s: a transaction has written into the database file", step)
		case bytes.Equal(before.wal[:walHeader], now.wal[:walHeader]):
			kinds["commit"]++
			l.duringCommit(t, step, before, now, i == len(disks)-1)
		default:
			kinds["restart"]++
			l.duringRestart(t, step, before, now)
		}
	}
	if kinds["commit"] < 10 || kinds["checkpoint"] != 2 || kinds["restart"] != 2 {
		t.Errorf("got the steps %v", kinds)
	}
	t.Logf("%d images of %v", l.images, kinds)
}

// duringCommit cuts the power while frames are written behind, or in a log that
// was begun anew over, what was there.
func (l *lab) duringCommit(t *testing.T, step string, before, now disk, densely bool) {
	t.Helper()
	durable := common(before.wal, now.wal)
	end := len(now.wal) // of what was written: in a log begun anew, more may stand behind it
	for len(before.wal) == len(now.wal) && before.wal[end-1] == now.wal[end-1] {
		end--
	}
	for size := durable; size < end; size++ {
		within := (size - walHeader) % frame
		edge := within == 24 || within == frame-1
		if edge || densely && size%307 == 0 {
			l.check(t, fmt.Sprintf("%s, log cut at %d", step, size), now.db, now.wal[:size], before.state)
		}
	}
	for range 6 {
		wal := l.between(before.wal, now.wal, durable)
		l.check(t, step+", log half written", now.db, wal, before.state, now.state)
	}
}

// duringCheckpoint cuts the power while pages go from the log into the file.
func (l *lab) duringCheckpoint(t *testing.T, step string, before, now disk) {
	t.Helper()
	if bytes.Equal(before.db, now.db) || !bytes.Equal(before.wal, now.wal) {
		t.Fatalf("%s: no page was moved, or the log has changed", step)
	}
	for range 16 {
		db := l.between(before.db, now.db, 0)
		l.check(t, step+", pages half moved", db, now.wal, now.state)
	}
	for size := len(before.db); size < len(now.db); size += 7 * sector {
		l.check(t, fmt.Sprintf("%s, file cut at %d", step, size), now.db[:size], now.wal, now.state)
	}
}

// duringRestart cuts the power while the log is begun anew. SQLite syncs its
// header before it writes a frame: else frames of old would count again.
func (l *lab) duringRestart(t *testing.T, step string, before, now disk) {
	t.Helper()
	header := append(bytes.Clone(now.wal[:walHeader]), before.wal[walHeader:]...)
	for range 6 {
		wal := bytes.Clone(header)
		copy(wal[:sector], l.garble(before.wal[:sector], header[:sector]))
		l.check(t, step+", header half written", now.db, wal, before.state)
	}
	for range 12 {
		wal := l.between(header, now.wal, walHeader)
		l.check(t, step+", log begun anew", now.db, wal, before.state, now.state)
	}
}

// common returns how many bytes the two begin with in common.
func common(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

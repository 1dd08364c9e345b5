package crash_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"quire/internal/crash"
)

// scenario is a step of the program, and what must be true after a process
// died in it.
type scenario struct {
	name   string
	points []string // NAME or NAME:N, each a test
	test   func(t *testing.T, w *world, point string)
}

func scenarios() []scenario {
	return []scenario{
		{"submit", at(crash.SubmitBegin, crash.SubmitFilled, crash.SubmitFolder, crash.SubmitStored), submit},
		{"schedule", schedulePoints, schedule},
		{"sweep", sweepPoints, sweep},
		{"notice", noticePoints, notice},
		{"start", append(at(
			crash.ClaimStored, crash.StartBegin, crash.StartJob, crash.StartBorn, crash.StartTold, crash.StartStored,
			crash.ProgressBegin, crash.ProgressStored, crash.EndBegin, crash.EndStored,
		), string(crash.ClaimBegin)+":2"), run}, // the first time nothing is queued
		{"executor", at(
			crash.ExecutorOpened, crash.ExecutorIdentified, crash.ExecutorListens, crash.ExecutorTold,
			crash.NotebookBegin, crash.NotebookWritten, crash.NotebookPlaced, crash.FinishJournaled,
		), executorDies},
		{"ready", at(
			crash.ExecutorOpened, crash.ExecutorIdentified, crash.ExecutorListens, crash.ExecutorTold,
			crash.NotebookBegin, crash.FinishJournaled,
		), readyDies},
		{"readyStart", at(crash.StartBorn, crash.StartTold), readyServerDies},
		{"journal", appends(8, crash.JournalBegin, crash.JournalWritten, crash.JournalSynced), executorDies},
		{"lost", at(crash.LostNoticed, crash.LostCleaned, crash.LostJournaled, crash.RetryBegin, crash.RetryStored), lost},
		{"unlucky", at(crash.EndBegin), unlucky},
		{"cancel", at(crash.CancelBegin, crash.CancelStored), cancel},
		{"cancelQueued", at(crash.CancelStored), cancelQueued},
		{"upload", at(crash.UploadBegin, crash.UploadWritten, crash.UploadPlaced, crash.UploadDone), upload},
		{"project", at(crash.OperationBegin, crash.ProjectFolder, crash.OperationStored), createProject},
		{"delete", append(at(
			crash.OperationBegin, crash.OperationStored, crash.PurgeBegin, crash.PurgeEnded, crash.DiscardMoved,
			crash.PurgeFiles, crash.PurgeFolder, crash.PurgeFolders, crash.PurgeStored,
		), string(crash.DiscardMoved)+":2"), deleteProject}, // an execution's folder
		{"expire", at(crash.ExpireStored, crash.DiscardMoved, crash.ExpireFolder), expire},
	}
}

func at(points ...crash.Point) []string {
	var names []string
	for _, p := range points {
		names = append(names, string(p))
	}
	return names
}

// appends names the first n times that a process comes to each of the points.
func appends(n int, points ...crash.Point) []string {
	var names []string
	for i := range n {
		for _, p := range points {
			names = append(names, fmt.Sprintf("%s:%d", p, i+1))
		}
	}
	return names
}

func TestEveryPointHasATest(t *testing.T) {
	tested := map[string]bool{}
	for _, s := range scenarios() {
		for _, point := range s.points {
			name, _, _ := strings.Cut(point, ":")
			tested[name] = true
		}
	}
	for _, p := range crash.Points() {
		if !tested[string(p)] {
			t.Errorf("nothing is killed at %s", p)
		}
	}
}

func TestCrashPoints(t *testing.T) {
	first := newWorld(t, nil)
	settle(t, first)
	for _, s := range scenarios() {
		for _, point := range s.points {
			t.Run(s.name+"/"+point, func(t *testing.T) {
				t.Parallel()
				s.test(t, newWorld(t, first), point)
			})
		}
	}
}

// settle gives a new world its project, the notebooks, and an execution that
// has ended.
func settle(t *testing.T, w *world) {
	t.Helper()
	s := w.start(t, "")
	w.project = s.ended(t, s.createProject(t, "first", "").operation(t).ID).Response.ID
	for path, content := range notebooks(t) {
		if a := s.put(t, path, content); a.status != 200 {
			t.Fatalf("put %s: %d %s", path, a.status, a.body)
		}
	}
	s.put(t, "past.ipynb", notebook(t, "1 + 1"))
	s.wantStatus(t, s.execute(t, "past.ipynb", "").operation(t).ID, "OK")
	s.stop(t)
	w.audit(t)
}

// submit: nobody was answered. The execution is there and ends, or there is no
// trace of it; the repeated request makes one of it either way.
func submit(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	before := s.executions(t)
	key := newKey()
	if a := s.execute(t, countsNotebook, key); a.status != 0 {
		t.Fatalf("got %d: %s, want no answer", a.status, a.body)
	}
	s.killed(t)

	s = w.start(t, "")
	accepted := s.executions(t)
	want := len(before)
	if point == string(crash.SubmitStored) {
		want++
	}
	if len(accepted) != want {
		t.Errorf("there are %d executions, want %d", len(accepted), want)
	}
	id := s.execute(t, countsNotebook, key).operation(t).ID
	if want > len(before) && id != accepted[0] {
		t.Errorf("the same key gave the execution %s, want %s", id, accepted[0])
	}
	s.wantStatus(t, id, "OK")
	w.ranOnce(t, s, len(before)+1)
}

// run: the server dies while the execution goes on without it.
func run(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	before := s.executions(t)
	key := newKey()
	answered := s.execute(t, countsNotebook, key)
	s.killed(t)

	s = w.start(t, "")
	id := s.execute(t, countsNotebook, key).operation(t).ID
	if answered.status != 0 && answered.operation(t).ID != id {
		t.Errorf("the same key gave the execution %s, want %s", id, answered.operation(t).ID)
	}
	s.wantStatus(t, id, "OK")
	w.ranOnce(t, s, len(before)+1)
}

// ranOnce holds the world to so many executions, the newest of which has run
// countsNotebook in one attempt.
func (w *world) ranOnce(t *testing.T, s *server, executions int) {
	t.Helper()
	ids := s.executions(t)
	s.stop(t)
	if len(ids) != executions {
		t.Errorf("there are %d executions, want %d", len(ids), executions)
	}
	if attempts := w.audit(t)[ids[0]]; attempts != 1 {
		t.Errorf("it took %d attempts: the death of a server is none", attempts)
	}
	if got, want := w.ran(t), []string{"0", "1", "2"}; !slices.Equal(got, want) {
		t.Errorf("the cells %q ran, want %q", got, want)
	}
}

// executorDies: the server sees it, and the notebook is run again from the
// start, unless its end was in the journal already.
func executorDies(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	id := s.execute(t, countsNotebook, "").operation(t).ID
	s.wantStatus(t, id, "OK")
	dead := w.marked(t)
	s.stop(t)
	attempts := w.audit(t)[id]
	ran := w.ran(t)
	if dead == 0 {
		// Appends share a sync: there need not be so many, but those of the
		// start, of the cells and of the end do not share one.
		if _, n, many := strings.Cut(point, ":"); !many || n < "4" {
			t.Errorf("nobody came to %s", point)
		}
	} else if attempts == 1 && !slices.Contains([]crash.Point{
		crash.FinishJournaled, crash.JournalWritten, crash.JournalSynced,
	}, crash.Point(strings.Split(point, ":")[0])) {
		t.Error("the executor was killed before the end, and there was no second attempt")
	}
	if dead == 0 && attempts != 1 || attempts > 2 {
		t.Errorf("it took %d attempts", attempts)
	}
	last := max(0, len(ran)-cellsOfCounts)
	if got, want := ran[last:], []string{"0", "1", "2"}; !slices.Equal(got, want) {
		t.Errorf("the last attempt ran the cells %q, want %q", got, want)
	}
	for i, cell := range ran[:last] { // of the first attempt, as far as it came
		if cell != fmt.Sprint(i) || attempts == 1 {
			t.Errorf("%d attempts ran the cells %q", attempts, ran)
		}
	}
}

// lost: the executor has died, and then the server that dealt with it.
func lost(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	id := s.execute(t, killsNotebook, "").operation(t).ID
	s.killed(t)

	s = w.start(t, "")
	s.wantStatus(t, id, "OK")
	s.stop(t)
	if attempts := w.audit(t)[id]; attempts != 2 {
		t.Errorf("it took %d attempts, want 2", attempts)
	}
}

// unlucky: every attempt loses its executor, and the server dies before it can
// store that.
func unlucky(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	id := s.execute(t, unluckyNotebook, "").operation(t).ID
	s.killed(t)

	s = w.start(t, "")
	if op := s.ended(t, id); op.Error == nil || !strings.Contains(op.Error.Message, "executor") {
		t.Errorf("got %+v, want an error that says why", op)
	}
	s.stop(t)
	if attempts := w.audit(t)[id]; attempts != 3 {
		t.Errorf("it took %d attempts, want 3", attempts)
	}
}

// cancel: a request that was stored is carried out by the next server; one
// that was not must be sent again.
func cancel(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	id := s.execute(t, waitsNotebook, "").operation(t).ID
	s.until(t, "the notebook runs", func() bool { return s.executionState(t, id) == "RUNNING" })
	s.call(t, "POST", "/operations/"+id+":cancel", "", nil)
	s.killed(t)

	s = w.start(t, "")
	if point == string(crash.CancelBegin) {
		s.until(t, "it still runs", func() bool { return s.executionState(t, id) == "RUNNING" })
		s.call(t, "POST", "/operations/"+id+":cancel", "", nil)
	}
	s.wantStatus(t, id, "ABORTED")
	s.stop(t)
	if attempts := w.audit(t)[id]; attempts != 1 {
		t.Errorf("it took %d attempts: the death of a server is none", attempts)
	}
}

// cancelQueued: what is queued and cancelled needs no free slot to end.
func cancelQueued(t *testing.T, w *world, point string) {
	s := w.start(t, point, "--max-running", "1")
	running := s.execute(t, waitsNotebook, "").operation(t).ID
	s.until(t, "the notebook runs", func() bool { return s.executionState(t, running) == "RUNNING" })
	queued := s.execute(t, countsNotebook, "").operation(t).ID
	s.call(t, "POST", "/operations/"+queued+":cancel", "", nil)
	s.killed(t)

	s = w.start(t, "", "--max-running", "1")
	s.wantStatus(t, queued, "ABORTED")
	s.until(t, "the other still runs", func() bool { return s.executionState(t, running) == "RUNNING" })
	s.call(t, "POST", "/operations/"+running+":cancel", "", nil)
	s.wantStatus(t, running, "ABORTED")
	s.stop(t)
	w.audit(t)
	if ran := w.ran(t); len(ran) > 0 {
		t.Errorf("the cells %q ran", ran)
	}
}

// upload: the file is what it was, or the whole of what was sent.
func upload(t *testing.T, w *world, point string) {
	before, after := []byte(strings.Repeat("before ", 1000)), []byte(strings.Repeat("after ", 200_000))
	s := w.start(t, "")
	s.put(t, "folder/a.txt", before)
	s.stop(t)
	s = w.start(t, point)
	if a := s.put(t, "folder/a.txt", after); a.status != 0 {
		t.Fatalf("got %d: %s, want no answer", a.status, a.body)
	}
	s.killed(t)

	s = w.start(t, "")
	want := before
	if point == string(crash.UploadPlaced) || point == string(crash.UploadDone) {
		want = after
	}
	if got := s.get(t, "folder/a.txt"); string(got.body) != string(want) {
		t.Errorf("got %d bytes with status %d, want %d", len(got.body), got.status, len(want))
	}
	s.stop(t)
	w.audit(t)
}

// createProject: the project is there with its storage, or neither is; the
// repeated request makes one project either way.
func createProject(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	key := newKey()
	if a := s.createProject(t, "second", key); a.status != 0 {
		t.Fatalf("got %d: %s, want no answer", a.status, a.body)
	}
	s.killed(t)

	s = w.start(t, "")
	if projects, want := names(t, w.data+"/projects"), 1; point != string(crash.OperationStored) && len(projects) != want {
		t.Errorf("there are the folders %q, want %d", projects, want)
	}
	w.project = s.createProject(t, "second", key).operation(t).Response.ID
	if a := s.put(t, "a.txt", []byte("a")); a.status != 200 {
		t.Errorf("put: %d %s", a.status, a.body)
	}
	s.stop(t)
	w.audit(t)
	if projects, want := names(t, w.data+"/projects"), 2; len(projects) != want {
		t.Errorf("there are the projects %q, want %d", projects, want)
	}
}

// deleteProject: what has begun is finished, and nothing is left.
func deleteProject(t *testing.T, w *world, point string) {
	s := w.start(t, point)
	running := s.execute(t, waitsNotebook, "").operation(t).ID
	s.until(t, "the notebook runs", func() bool { return s.executionState(t, running) == "RUNNING" })
	key := newKey()
	s.deleteProject(t, key) // which may be answered: the rest is done later
	s.killed(t)

	s = w.start(t, "")
	if op := s.ended(t, s.deleteProject(t, key).operation(t).ID); op.Error != nil {
		t.Errorf("got %+v", op)
	}
	if a := s.call(t, "GET", "/operations/"+running, "", nil); a.status != 404 {
		t.Errorf("the operation of an execution: got %d %s, want it to be gone", a.status, a.body)
	}
	s.stop(t)
	w.audit(t)
	for _, dir := range []string{"projects", "executions"} {
		if left := names(t, w.data+"/"+dir); len(left) > 0 {
			t.Errorf("%q are left in %s", left, dir)
		}
	}
}

// expire: what the server began to remove when it started is removed by the
// next one, though that is told to keep everything.
func expire(t *testing.T, w *world, point string) {
	s := w.start(t, "")
	kept := s.execute(t, countsNotebook, "").operation(t).ID
	s.wantStatus(t, kept, "OK")
	s.stop(t)
	s = w.start(t, point, "--keep-last", "1")
	s.killed(t)

	s = w.start(t, "")
	s.until(t, "one folder is left", func() bool { return len(names(t, w.data+"/executions")) == 1 })
	if ids := s.executions(t); !slices.Equal(ids, []string{kept}) {
		t.Errorf("there are the executions %q, want %q", ids, kept)
	}
	s.until(t, "nothing is left of it", func() bool { return len(names(t, w.data+"/tmp/executions")) == 0 })
	s.stop(t)
	w.audit(t)
}

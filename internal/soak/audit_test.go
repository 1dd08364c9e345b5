package soak_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"quire"
	"quire/internal/executor"
	"quire/internal/journal"
	"quire/nbformat"
)

// auditRound holds everything to the model when nothing is under way any more.
func (h *harness) auditRound(ctx context.Context, records []*record) {
	for _, r := range records {
		if r.id == "" || r.finished == nil {
			continue
		}
		for _, wrong := range h.audit(ctx, r) {
			h.report.discrepancy("%s: %s", r, wrong)
		}
	}
	h.auditProcesses(ctx)
	h.auditFolders(ctx)
}

// audit returns all that is wrong with an execution that has ended.
func (h *harness) audit(ctx context.Context, r *record) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	events, err := h.journal(r.id)
	if err != nil {
		add("its journal: %v", err)
	}
	attempts := attemptsOf(events)
	wrong = append(wrong, judge(r.kind, attempts, h.hitsOf(r))...)
	if r.submission.kind == cancelled && !r.cancelled {
		add("it ended before it was cancelled")
	}
	wrong = append(wrong, h.auditEvents(ctx, r, events)...)
	wrong = append(wrong, h.auditAnswers(ctx, r, attempts)...)
	wrong = append(wrong, h.auditMarks(r, attempts)...)
	if err := h.auditNotebook(ctx, r); err != nil {
		add("its notebook: %v", err)
	}
	h.report.count(func(rep *report) {
		rep.ends[r.finished.State]++
		rep.attempts += len(attempts)
		rep.events += len(events)
		for _, e := range events {
			if e.KernelReady != nil {
				rep.kernels[e.KernelReady.Start]++
			}
		}
	})
	return wrong
}

// hitsOf returns the faults that were in an execution's way: its own, and the
// resources that were out while it was.
func (h *harness) hitsOf(r *record) []hit {
	r.mu.Lock()
	hits, asked, ended := slices.Clone(r.hits), r.asked, r.ended
	r.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.early[r.id]; ok {
		hits = append(hits, e)
	}
	for _, w := range h.windows {
		if asked.Before(w.until.Add(recoveryLimit)) && ended.After(w.from) {
			hits = append(hits, w)
		}
	}
	return hits
}

// journal reads an execution's journal, which must be whole.
func (h *harness) journal(id string) ([]quire.Event, error) {
	path := h.server.data("executions", id, "journal")
	r, err := journal.OpenFile(path, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var events []quire.Event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return events, err
		}
		if int(e.Seq) != len(events)+1 {
			return events, fmt.Errorf("event %d stands in the place of %d", e.Seq, len(events)+1)
		}
		events = append(events, e)
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() != r.Offset() {
		err = fmt.Errorf("%d bytes follow its last event", info.Size()-r.Offset())
	}
	return events, err
}

// auditEvents compares what the watcher was told, what the server tells now,
// and the journal.
func (h *harness) auditEvents(ctx context.Context, r *record, events []quire.Event) (wrong []string) {
	var want []uint64
	for _, e := range events {
		sum, err := sumOf(e)
		if err != nil {
			return []string{err.Error()}
		}
		want = append(want, sum)
	}
	if !slices.Equal(r.sums, want) {
		wrong = append(wrong, "its watcher was told other events than its journal holds: "+firstDifference(r.sums, want))
	}
	var again []uint64
	resp, err := h.openStream(ctx, r.id, 0)
	if err != nil {
		return append(wrong, err.Error())
	}
	defer resp.Body.Close()
	err = readStream(resp.Body, func(e quire.Event) (bool, error) {
		sum, err := sumOf(e)
		again = append(again, sum)
		return e.Finished != nil && !e.Finished.Retry, err
	})
	if err != nil || !slices.Equal(again, want) {
		wrong = append(wrong, fmt.Sprintf("its events from the first on are others than its journal holds: %s (%v)", firstDifference(again, want), err))
	}
	return wrong
}

func firstDifference(got, want []uint64) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("event %d differs", i+1)
		}
	}
	return fmt.Sprintf("%d events, want %d", len(got), len(want))
}

// auditAnswers compares operation and execution with the journal's end.
func (h *harness) auditAnswers(ctx context.Context, r *record, attempts []attempt) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var op operation
	err := poll(ctx, max(slack(doneLimit)-time.Since(r.ended), pollingStep), func() (bool, error) {
		return h.client.get(ctx, time.Second, "/operations/"+r.id, &op) == nil && op.Done, nil
	})
	if err != nil {
		add("its operation is not done %s after its last event: %+v", time.Since(r.ended), op)
		return wrong
	}
	end := endOf(*r.finished)
	status := ""
	if op.Response != nil {
		status = op.Response.ExecutionStatus
	}
	want := map[quire.State]string{quire.Succeeded: "OK", quire.Failed: "ERROR", quire.Aborted: "ABORTED"}[end.state]
	if end.failure == quire.QuireFault {
		want = ""
	}
	if status != want || (op.Error != nil) != (end.failure == quire.QuireFault) {
		add("its operation ended with %q, error %v; want %q", status, op.Error, want)
	}
	var e execution
	if err := h.client.get(ctx, slack(startLimit), "/quire/v1/executions/"+r.id, &e); err != nil {
		add("%v", err)
		return wrong
	}
	got := endOf(quire.Finished{State: e.State, Failure: e.Failure})
	if got != end || e.Attempt != len(attempts) {
		add("the server says %s after %d attempts; its events say %s after %d", got, e.Attempt, end, len(attempts))
	}
	var before, listed []int
	for _, a := range attempts[:max(len(attempts)-1, 0)] {
		if a.finished != nil {
			before = append(before, a.number)
		}
	}
	for _, a := range e.Attempts {
		listed = append(listed, a.Number)
		if a.Failure.Message == "" {
			add("the server does not say why attempt %d was lost", a.Number)
		}
	}
	if !slices.Equal(before, listed) {
		add("the server lists the attempts %v before the last one, its events %v", listed, before)
	}
	if end.state == quire.Succeeded && len(r.kind.outputs) == 1 {
		value := r.submission.n
		if r.submission.kind == sums {
			value = value * (value + 1) / 2
		}
		if len(e.OutputVariables) != 1 || string(e.OutputVariables[0].Value) != strconv.Itoa(value) {
			add("its output variables are %+v, want %d", e.OutputVariables, value)
		}
	}
	return wrong
}

// auditMarks reads what its cells have written themselves: each kernel runs
// each cell once and in order, and there is one kernel for each attempt.
func (h *harness) auditMarks(r *record, attempts []attempt) (wrong []string) {
	data, err := os.ReadFile(filepath.Join(h.dir, marksFolder, r.id))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return []string{err.Error()}
	}
	kernels := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		cell, kernel, _ := strings.Cut(strings.TrimSpace(line), " ")
		kernels[kernel] = append(kernels[kernel], cell)
	}
	for kernel, cells := range kernels {
		for i, cell := range cells {
			if cell != strconv.Itoa(i) {
				wrong = append(wrong, fmt.Sprintf("the kernel %s ran the cells %v", kernel, cells))
				break
			}
		}
	}
	began := 0
	for _, a := range attempts {
		if a.cells > 0 {
			began++
		}
	}
	cut := slices.ContainsFunc(r.hits, func(h hit) bool { return h.fault == powerCut || h.fault == powerCutGarbled })
	if len(kernels) > len(attempts) || len(kernels) > began && !cut {
		wrong = append(wrong, fmt.Sprintf("%d kernels ran cells in %d attempts, of which %d began a cell", len(kernels), len(attempts), began))
	}
	return wrong
}

// auditNotebook compares the notebook that the server gives with what its
// journal makes of the one that was submitted.
func (h *harness) auditNotebook(ctx context.Context, r *record) error {
	a, err := h.client.persist(ctx, slack(startLimit), http.MethodGet, "/quire/v1/executions/"+r.id+"/notebook", nil, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("status %d: %.300s", a.status, a.body)
	}
	if _, err := nbformat.Parse(a.body); err != nil {
		return err
	}
	data, err := os.ReadFile(h.server.data("executions", r.id, "input.ipynb"))
	if err != nil {
		return err
	}
	input, err := nbformat.Parse(data)
	if err != nil {
		return err
	}
	events, err := journal.OpenFile(h.server.data("executions", r.id, "journal"), -1)
	if err != nil {
		return err
	}
	defer events.Close()
	reduced, _, err := journal.Reduce(input, events)
	if err != nil {
		return err
	}
	var want bytes.Buffer
	if err := nbformat.Write(&want, reduced.Snapshot()); err != nil {
		return err
	}
	if !bytes.Equal(a.body, want.Bytes()) {
		return fmt.Errorf("its %d bytes are not the %d that its journal makes", len(a.body), want.Len())
	}
	starved := slices.ContainsFunc(h.hitsOf(r), func(h hit) bool { return h.fault == processesRunOut })
	if r.finished.State != quire.Succeeded || starved { // a kernel that got no thread may have sent less
		return nil
	}
	for _, text := range r.kind.shows {
		if !bytes.Contains(a.body, []byte(text)) {
			return fmt.Errorf("it does not show %q", text)
		}
	}
	return nil
}

// serving returns the server that runs with all that it has in reserve, which
// is nobody's execution.
func (h *harness) serving(all []process) []process {
	if !h.server.alive() {
		return nil
	}
	pid := h.server.pid()
	at := slices.IndexFunc(all, func(p process) bool { return p.pid == pid })
	if at < 0 {
		return nil
	}
	return family(all, all[at], "none")
}

// accepted reports whether id is that of an execution of this run.
func (h *harness) accepted(id string) bool {
	return id != "" && slices.ContainsFunc(h.all, func(r *record) bool { return r.id == id })
}

// auditProcesses finds processes that are nobody's any more.
func (h *harness) auditProcesses(ctx context.Context) {
	var left []process
	_ = poll(ctx, slack(goneLimit), func() (bool, error) { // what is left says it
		all := processes()
		serving := h.serving(all)
		left = slices.DeleteFunc(all, func(p process) bool {
			reserve := slices.ContainsFunc(serving, func(s process) bool { return s.pid == p.pid })
			return reserve && jobOf(p) == "" && !h.accepted(p.execution)
		})
		return len(left) == 0, nil
	})
	if len(left) > 0 {
		h.report.discrepancy("processes are left: %v", left)
		for _, p := range left {
			p.signal(syscall.SIGKILL) // or the next round would find them
		}
	}
}

// auditFolders finds files that are nobody's any more, and executions that
// were accepted and are not there, or twice.
func (h *harness) auditFolders(ctx context.Context) {
	want := map[string]bool{}
	for _, r := range h.all {
		if r.id == "" {
			continue
		}
		if want[r.id] {
			h.report.discrepancy("two submits are the operation %s", r.id)
		}
		want[r.id] = true
	}
	listed := map[string]bool{}
	for _, project := range h.projects {
		executions, err := h.client.executions(ctx, project)
		if err != nil {
			h.report.discrepancy("list the executions: %v", err)
			return
		}
		for id := range executions {
			listed[id] = true
		}
	}
	if !maps.Equal(listed, want) {
		h.report.discrepancy("the server lists %d executions, of %d that were accepted: %v", len(listed), len(want), difference(listed, want))
	}
	if folders := names(h.server.data("executions")); !maps.Equal(folders, want) {
		h.report.discrepancy("there are %d folders of executions, want %d: %v", len(folders), len(want), difference(folders, want))
	}
	var left map[string]bool
	_ = poll(ctx, slack(goneLimit), func() (bool, error) { // what is left says it
		left = names(filepath.Join(h.dir, tempFolder))
		for _, p := range h.serving(processes()) {
			args := strings.Join(p.args, " ")
			maps.DeleteFunc(left, func(name string, _ bool) bool {
				waits, err := executor.ReadIdentity(h.server.data("waiting", name))
				return strings.Contains(args, "/"+name+"/") || err == nil && waits.PID == p.pid
			})
		}
		return len(left) == 0, nil
	})
	if len(left) > 0 {
		h.report.discrepancy("temporary folders are left: %v", slices.Collect(maps.Keys(left)))
		for name := range left {
			_ = os.RemoveAll(filepath.Join(h.dir, tempFolder, name)) // or the next round would find it
		}
	}
	var rubbish []string
	_ = filepath.WalkDir(h.server.data("tmp"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Dir(path) != h.server.data() && filepath.Dir(path) != h.server.data("tmp") {
			rubbish = append(rubbish, path)
		}
		return nil
	})
	if len(rubbish) > 0 {
		h.report.discrepancy("the data folder's tmp holds %v", rubbish)
		for _, path := range rubbish {
			_ = os.RemoveAll(path)
		}
	}
}

func names(dir string) map[string]bool {
	all := map[string]bool{}
	entries, _ := os.ReadDir(dir) // what cannot be read is missed
	for _, e := range entries {
		all[e.Name()] = true
	}
	return all
}

// difference returns the keys of which one map lacks.
func difference(a, b map[string]bool) (d []string) {
	for k := range a {
		if !b[k] {
			d = append(d, "+"+k)
		}
	}
	for k := range b {
		if !a[k] {
			d = append(d, "-"+k)
		}
	}
	slices.Sort(d)
	return d
}

// finalAudit looks once more at every execution, after a last restart, and
// then at what is left when no server runs.
func (h *harness) finalAudit(ctx context.Context) {
	if h.hopeless() {
		return
	}
	h.report.note("the final audit begins")
	h.stop(syscall.SIGTERM)
	h.auditProcesses(ctx)
	if err := checkDatabase(ctx, h.server.data("quire.db")); err != nil {
		h.report.discrepancy("the database: %v", err)
	}
	h.auditCgroups()
	if !h.startAgain(ctx) {
		return
	}
	for _, r := range h.all {
		if r.id == "" || r.finished == nil {
			continue
		}
		events, err := h.journal(r.id)
		if err != nil {
			h.report.discrepancy("%s: in the end its journal: %v", r, err)
		}
		for _, wrong := range slices.Concat(h.auditEvents(ctx, r, events), h.auditAnswers(ctx, r, attemptsOf(events))) {
			h.report.discrepancy("%s: in the end %s", r, wrong)
		}
	}
	h.repeat(ctx, h.all)
	h.auditFolders(ctx)
	h.stop(syscall.SIGTERM)
	h.auditProcesses(ctx)
}

// auditCgroups finds control groups of executions that have ended.
func (h *harness) auditCgroups() {
	ids := map[string]bool{}
	for _, r := range h.all {
		ids[r.id] = r.id != ""
	}
	var left []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // it has gone meanwhile
		}
		for _, part := range strings.FieldsFunc(d.Name(), func(c rune) bool { return c == '-' || c == '.' || c == '_' }) {
			if d.IsDir() && (ids[part] || ids[d.Name()]) {
				left = append(left, path)
			}
		}
		return nil
	})
	if c := h.server.cgroup; c != nil {
		for name := range names(c.dir) {
			if info, err := os.Stat(filepath.Join(c.dir, name)); err == nil && info.IsDir() {
				left = append(left, filepath.Join(c.dir, name))
			}
		}
	}
	if len(left) > 0 {
		h.report.discrepancy("control groups are left: %v", left)
	}
}

// checkDatabase has SQLite look at its file. No server must run.
func checkDatabase(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	var result string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return errors.New(result)
	}
	return nil
}

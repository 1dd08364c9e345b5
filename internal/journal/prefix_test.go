package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

// moment is what is known and what is shown after some of an execution's events.
type moment struct {
	input  *nbformat.Notebook
	events []quire.Event  // of the execution, up to now
	before quire.Progress // without the last of them
	now    quire.Progress
	shown  *nbformat.Notebook
}

// attempt returns the events since the last Started.
func (m moment) attempt() []quire.Event {
	for i, e := range slices.Backward(m.events) {
		if e.Started != nil {
			return m.events[i:]
		}
	}
	return nil
}

// started returns the cells that the attempt has started.
func (m moment) started() map[int32]bool {
	cells := map[int32]bool{}
	for _, e := range m.attempt() {
		if e.CellStarted != nil {
			cells[e.CellStarted.Cell] = true
		}
	}
	return cells
}

// finished returns how cells of the attempt that were executed have ended.
func (m moment) finished() map[int32]*quire.CellFinished {
	cells := map[int32]*quire.CellFinished{}
	for _, e := range m.attempt() {
		if e.CellFinished != nil && e.CellFinished.Status != quire.CellSkipped {
			cells[e.CellFinished.Cell] = e.CellFinished
		}
	}
	return cells
}

// cells calls f with each code cell that is not tagged skip-execution.
func (m moment) cells(f func(i int32, c *nbformat.Cell) error) error {
	for i, c := range m.shown.Cells {
		if c.Type != nbformat.Code || c.HasTag("skip-execution") {
			continue
		}
		if err := f(int32(i), c); err != nil {
			return fmt.Errorf("cell %d: %w", i, err)
		}
	}
	return nil
}

// truths are what holds at every moment of every execution.
var truths = []struct {
	name  string
	check func(moment) error
}{
	{"the notebook is valid", func(m moment) error { return m.shown.Validate() }},
	{"the cells are the input's, with the parameters in their place", func(m moment) error {
		var injected *quire.InjectedCell
		if a := m.attempt(); a != nil {
			injected = a[0].Started.Injected
		}
		want, err := journal.ExecutedCells(m.input, injected)
		if err != nil {
			return err
		}
		same := func(a, b *nbformat.Cell) bool { return a.Type == b.Type && a.ID == b.ID && a.Source == b.Source }
		if !slices.EqualFunc(m.shown.Cells, want, same) {
			return errors.New("they are others")
		}
		return nil
	}},
	{"what is not executed is shown as it was", func(m moment) error {
		for _, c := range m.input.Cells {
			i := slices.IndexFunc(m.shown.Cells, func(s *nbformat.Cell) bool { return s.ID == c.ID })
			if (c.Type != nbformat.Code || c.HasTag("skip-execution")) && !cmp.Equal(c, m.shown.Cells[i]) {
				return fmt.Errorf("cell %d is not", i)
			}
		}
		return nil
	}},
	{"a cell that has not started shows nothing", func(m moment) error {
		started := m.started()
		return m.cells(func(i int32, c *nbformat.Cell) error {
			if _, timed := c.Metadata["execution"]; !started[i] && (len(c.Outputs) > 0 || c.ExecutionCount != 0 || timed) {
				return errors.New("it is shown as run")
			}
			return nil
		})
	}},
	{"a cell that has not finished is not shown as finished", func(m moment) error {
		finished := m.finished()
		return m.cells(func(i int32, c *nbformat.Cell) error {
			if _, timed := c.Metadata["execution"]; finished[i] == nil && timed {
				return errors.New("it has the times of one that has")
			}
			return nil
		})
	}},
	{"a cell that has finished is shown as it ended", func(m moment) error {
		finished := m.finished()
		return m.cells(func(i int32, c *nbformat.Cell) error {
			end := finished[i]
			if end == nil {
				return nil
			}
			failed := slices.ContainsFunc(c.Outputs, func(o nbformat.Output) bool { return o.Type == nbformat.ErrorOutput })
			if failed != (end.Status != quire.CellOK) {
				return fmt.Errorf("it ended as %s, with an error shown: %t", end.Status, failed)
			}
			if _, timed := c.Metadata["execution"]; timed != (len(end.Timing) > 0) {
				return errors.New("its times are not those of its end")
			}
			if end.ExecutionCount != 0 && c.ExecutionCount != int(end.ExecutionCount) {
				return fmt.Errorf("its count is %d, want %d", c.ExecutionCount, end.ExecutionCount)
			}
			return nil
		})
	}},
	{"one cell runs at a time", func(m moment) error {
		if running := len(m.started()) - len(m.finished()); running < 0 || running > 1 {
			return fmt.Errorf("%d do", running)
		}
		return nil
	}},
	{"the stamp says what the progress says", func(m moment) error {
		stamp, ok := nbformat.Get[struct {
			State   quire.State
			Attempt int
			Failure *struct {
				Kind    quire.FailureKind
				Message string
			}
		}](m.shown.Metadata, "quire")
		if !ok || stamp.State != m.now.State || stamp.Attempt != m.now.Attempt || (stamp.Failure == nil) != (m.now.Failure == nil) {
			return fmt.Errorf("%+v, of %+v", stamp, m.now)
		}
		if f := m.now.Failure; f != nil && (stamp.Failure.Kind != f.Kind || stamp.Failure.Message != f.Message) {
			return fmt.Errorf("%+v, of %+v", stamp.Failure, f)
		}
		return nil
	}},
	{"the state goes forward, and back to QUEUED at a retry alone", func(m moment) error {
		rank := func(s quire.State) int { return slices.Index(quire.States(), s) }
		retried := false
		if n := len(m.events); n > 0 && m.events[n-1].Finished != nil {
			retried = m.events[n-1].Finished.Retry
		}
		switch {
		case retried && m.now.State != quire.Queued:
			return fmt.Errorf("%s at a retry", m.now.State)
		case !retried && rank(m.now.State) < rank(m.before.State):
			return fmt.Errorf("from %s to %s", m.before.State, m.now.State)
		case m.before.State.Ended():
			return fmt.Errorf("something follows %s", m.before.State)
		case m.now.Attempt < m.before.Attempt:
			return fmt.Errorf("from attempt %d to %d", m.before.Attempt, m.now.Attempt)
		}
		return nil
	}},
	{"the end, its reason and its outputs are told at the end alone", func(m moment) error {
		var end *quire.Finished
		if n := len(m.events); n > 0 && m.events[n-1].Finished != nil && !m.events[n-1].Finished.Retry {
			end = m.events[n-1].Finished
		}
		if m.now.State.Ended() != (end != nil) || (m.now.Failure != nil) != (end != nil && end.Failure != nil) || m.now.Timing.Finished.IsZero() != (end == nil) {
			return fmt.Errorf("%+v", m.now)
		}
		asked := slices.ContainsFunc(m.attempt(), func(e quire.Event) bool { return e.OutputVariables != nil })
		if (m.now.Outputs != nil) != asked {
			return fmt.Errorf("outputs %v", m.now.Outputs)
		}
		return nil
	}},
	{"the usage is told of a kernel that runs, and its time goes forward", func(m moment) error {
		ready, before := false, -1.0
		for _, e := range m.attempt() {
			ready = ready || e.KernelReady != nil
			if e.Usage == nil {
				continue
			}
			if !ready || e.Usage.CPUSeconds < before || e.Usage.MemoryBytes < 0 {
				return fmt.Errorf("%+v", e.Usage)
			}
			before = e.Usage.CPUSeconds
		}
		return nil
	}},
	{"it runs once the kernel has answered", func(m moment) error {
		ready := slices.ContainsFunc(m.attempt(), func(e quire.Event) bool { return e.KernelReady != nil })
		if m.now.State == quire.Running != (ready && !m.now.State.Ended() && m.now.State != quire.Queued) {
			return fmt.Errorf("%s, kernel ready: %t", m.now.State, ready)
		}
		return nil
	}},
	{"the cells done are those that have finished", func(m moment) error {
		if m.now.State == quire.Queued {
			if m.now.CellsDone != 0 {
				return fmt.Errorf("%d while it is queued", m.now.CellsDone)
			}
			return nil
		}
		if want := len(m.finished()); m.now.CellsDone != want || want > m.now.CellsTotal {
			return fmt.Errorf("%d of %d, want %d", m.now.CellsDone, m.now.CellsTotal, want)
		}
		return nil
	}},
	{"success is told only of a run whose cells have all ended well", func(m moment) error {
		if m.now.State != quire.Succeeded {
			return nil
		}
		for i, end := range m.finished() {
			if end.Status != quire.CellOK && !end.Tolerated {
				return fmt.Errorf("cell %d ended as %s", i, end.Status)
			}
		}
		if m.now.CellsDone != m.now.CellsTotal {
			return fmt.Errorf("%d cells of %d are done", m.now.CellsDone, m.now.CellsTotal)
		}
		return nil
	}},
}

// A killed server, a cut journal, a watcher in the middle: whoever looks at
// a recorded execution after any number of its events, or of its bytes, sees
// a valid notebook and the truth.
func TestEveryPrefixOfRecordedJournals(t *testing.T) {
	dir := t.TempDir() // where Jupyter finds every notebook that was shown
	for name, r := range recordings() {
		t.Run(name, func(t *testing.T) {
			if *update {
				r.newRecording(t, name)
			}
			input, err := os.ReadFile(filepath.Join(recorded, name+".ipynb"))
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(recorded, name+".journal"))
			if err != nil {
				t.Fatal(err)
			}
			texts := everyEvent(t, string(input), data)
			everyByte(t, string(input), data, texts)
			for i, text := range texts {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s %03d.ipynb", name, i)), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := parse(t, texts[len(texts)-1]); len(got.Cells) < 3 {
				t.Errorf("the recording has %d cells", len(got.Cells))
			}
		})
	}
	jupyterValidates(t, dir)
}

// everyEvent holds the truths against the notebook after each event, and
// returns what it was.
func everyEvent(t *testing.T, input string, data []byte) (texts []string) {
	t.Helper()
	r := journal.NewReader(bytes.NewReader(data))
	n := journal.NewNotebook(parse(t, input))
	m := moment{input: parse(t, input), before: quire.Progress{State: quire.Queued}, now: quire.Progress{State: quire.Queued}}
	for {
		texts = append(texts, write(t, n.Snapshot()))
		m.shown = parse(t, texts[len(texts)-1])
		for _, truth := range truths {
			if err := truth.check(m); err != nil {
				t.Errorf("after %d events: %s: %v", len(m.events), truth.name, err)
			}
		}
		if diff := cmp.Diff(m.now, n.Progress()); diff != "" {
			t.Errorf("after %d events the notebook's progress is another: %s", len(m.events), diff)
		}
		if again := write(t, m.shown); again != texts[len(texts)-1] {
			t.Errorf("after %d events: read back, the notebook is another: %s", len(m.events), cmp.Diff(texts[len(texts)-1], again))
		}
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Apply(e); err != nil {
			t.Errorf("event %d: %v", e.Seq, err)
		}
		m.before = m.now
		m.now.Apply(e)
		m.events = append(m.events, e)
	}
	if r.Offset() != int64(len(data)) || !m.now.State.Ended() {
		t.Errorf("the recording ends at byte %d of %d, %s", r.Offset(), len(data), m.now.State)
	}
	return texts
}

// everyByte checks that any number of a journal's bytes gives the events that
// stand in them whole, and that those give one of the texts.
func everyByte(t *testing.T, input string, data []byte, texts []string) {
	t.Helper()
	whole, end := 0, 0
	for size := range len(data) + 1 {
		if size > 0 && data[size-1] == '\n' {
			whole, end = whole+1, size
		}
		r := journal.NewReader(bytes.NewReader(data[:size]))
		r.Skip(int32(whole))
		if _, err := r.NextRaw(); !errors.Is(err, io.EOF) || int(r.Seq()) != whole || int(r.Offset()) != end {
			t.Fatalf("%d bytes: got event %d, byte %d, %v, want %d, %d", size, r.Seq(), r.Offset(), err, whole, end)
		}
		if size != end && size != end+1 && size%1000 != 0 {
			continue
		}
		n, _, err := journal.Reduce(parse(t, input), journal.NewReader(bytes.NewReader(data[:size])))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got := write(t, n.Snapshot()); got != texts[whole] {
			t.Fatalf("%d bytes give another notebook than %d events: %s", size, whole, cmp.Diff(texts[whole], got))
		}
	}
}

package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"quire"
)

// refresh is how often the line of what is going on is drawn again.
const refresh = 100 * time.Millisecond

// view shows an execution's events to a person: on a terminal with one line
// for each cell that changes while it runs, elsewhere with one when it has
// ended. It is safe for concurrent use.
type view struct {
	screen  screen
	sources sources
	ticking sync.WaitGroup
	done    chan struct{}

	mu    sync.Mutex
	total int32 // cells of this attempt
	cells int32 // those that have started
	began time.Time
	now   phase
}

// phase is what is going on at this moment.
type phase struct {
	head, label string
	began       time.Time // by the events' clock
	seen        time.Time // by our own
}

// newView shows on w what is observed. The caller closes it.
func newView(w io.Writer, s sources) *view {
	v := &view{screen: newScreen(w), sources: s, done: make(chan struct{})}
	if v.screen.live {
		v.ticking.Go(v.tick)
	}
	return v
}

func (v *view) tick() {
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			v.mu.Lock()
			v.draw()
			v.mu.Unlock()
		case <-v.done:
			return
		}
	}
}

// close ends the drawing; what was printed stays.
func (v *view) close() {
	close(v.done)
	v.ticking.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begin("", "", time.Time{})
}

// note prints a line beside the progress.
func (v *view) note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.screen.line(printable(text))
	v.draw()
}

// wait shows what is waited for before the first event.
func (v *view) wait(label string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begin("", label, time.Now())
}

// observe shows the next event.
func (v *view) observe(e quire.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case e.Started != nil:
		v.total, v.cells, v.began = e.Started.Cells, 0, e.Time
		v.begin("", "preparing", e.Time)
	case e.EnvironmentProgress != nil:
		v.observeEnvironment(*e.EnvironmentProgress, e.Time)
	case e.KernelStarting != nil:
		v.begin("", "kernel "+printable(e.KernelStarting.Kernel), e.Time)
	case e.KernelReady != nil:
		v.end(row{mark: "✓", look: green}, e.Time)
	case e.CellStarted != nil:
		v.cells++
		v.begin(fmt.Sprintf("[%d/%d]", v.cells, v.total), title(v.sources.source(e.CellStarted.Cell)), e.Time)
	case e.CellFinished != nil:
		v.finishCell(*e.CellFinished, e.Time)
	case e.OutputCut != nil:
		v.screen.line(fmt.Sprintf("  output beyond %s bytes of the %s is left out", e.OutputCut.Bytes, printable(e.OutputCut.Limit)))
	case e.Finished != nil:
		v.finish(*e.Finished, e.Time)
	}
}

// observeEnvironment shows what is being done for the environment. Without a
// terminal that is a line for each phase.
func (v *view) observeEnvironment(p quire.EnvironmentProgress, at time.Time) {
	label := "environment: " + string(p.Phase)
	if !v.screen.live {
		if p.Done == 0 && p.Package == "" || p.Phase == quire.EnvironmentCompiling {
			v.screen.line(printable(label))
		}
		return
	}
	if p.Package != "" {
		label += " " + p.Package
	}
	head := ""
	if p.Total > 0 {
		head = fmt.Sprintf("[%d/%d]", p.Done, p.Total)
	}
	v.begin(head, printable(label), at)
}

// begin puts on the line what goes on from here.
func (v *view) begin(head, label string, at time.Time) {
	v.now = phase{head, label, at, time.Now()}
	v.draw()
}

// end prints what was going on with its mark and how long it took.
func (v *view) end(r row, at time.Time) {
	r.head, r.label = v.now.head, v.now.label
	r.tail = strings.TrimSpace(elapsed(at.Sub(v.now.began)) + " " + r.tail)
	v.screen.line(v.screen.row(r))
	v.now = phase{}
}

func (v *view) draw() {
	if !v.screen.live {
		return
	}
	if v.now == (phase{}) || v.now.label == "" && v.now.head == "" {
		v.screen.draw("")
		return
	}
	v.screen.draw(v.screen.row(row{
		mark: "▸", look: bold, head: v.now.head, label: v.now.label, tail: elapsed(time.Since(v.now.seen)),
	}))
}

func (v *view) finishCell(c quire.CellFinished, at time.Time) {
	switch {
	case c.Status == quire.CellSkipped:
		v.screen.line(v.screen.row(row{mark: "-", look: faint, label: title(v.sources.source(c.Cell)), tail: "skipped"}))
	case c.Status == quire.CellOK:
		v.end(row{mark: "✓", look: green}, at)
	case c.Tolerated:
		v.end(row{mark: "!", look: yellow, tail: "raised " + printable(c.ErrorName) + ", which is allowed"}, at)
	case c.Status == quire.CellError:
		v.end(row{mark: "✗", look: red}, at)
	default:
		v.end(row{mark: "✗", look: red, tail: string(c.Status)}, at)
	}
}

func (v *view) finish(end quire.Finished, at time.Time) {
	v.begin("", "", at)
	switch {
	case end.Retry:
		v.screen.line("the attempt was lost: " + failureText(end.Failure) + "; another one follows")
		v.begin("", "queued", at)
	case end.State == quire.Succeeded:
		v.screen.line(fmt.Sprintf("done: %s in %s", count(int(v.cells), "cell"), elapsed(at.Sub(v.began))))
	case end.Failure != nil && end.Failure.Kind == quire.CellFailed:
		v.screen.line(v.report(*end.Failure))
	}
}

// report shows the source of the cell that failed and what the kernel said.
func (v *view) report(f quire.Failure) string {
	var b strings.Builder
	if f.Cell != nil {
		fmt.Fprintf(&b, "\n%s\n", v.screen.paint(bold, fmt.Sprintf("cell %d of the notebook, from 0:", *f.Cell)))
		for line := range strings.Lines(block(v.sources.source(int32(*f.Cell)), false)) { //nolint:gosec // an index from an event
			fmt.Fprintf(&b, "    %s\n", strings.TrimRight(line, "\n"))
		}
		b.WriteByte('\n')
	}
	if len(f.Traceback) == 0 {
		b.WriteString(v.screen.paint(red, printable(f.ErrorName+": "+f.ErrorValue)) + "\n")
	}
	for _, entry := range f.Traceback {
		b.WriteString(strings.TrimRight(block(entry, v.screen.colours), "\n") + "\n")
	}
	return b.String()
}

// title returns the first line of a source that says something.
func title(source string) string {
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(printable(line)); line != "" {
			return line
		}
	}
	return "(empty)"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// failureText says in one line why an execution did not succeed.
func failureText(f *quire.Failure) string {
	if f == nil {
		return "it did not succeed"
	}
	if f.Kind == quire.CellFailed && f.ErrorValue != "" {
		return printable(f.Message + ": " + f.ErrorValue)
	}
	return printable(f.Message)
}

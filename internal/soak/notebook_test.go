package soak_test

import (
	"encoding/json"
	"fmt"
	"syscall"

	"quire"
)

// kindName names a kind of notebook.
type kindName string

const (
	sums         kindName = "sums"
	raises       kindName = "raises"
	diesByKill   kindName = "dies-by-sigkill"
	diesBySegv   kindName = "dies-by-sigsegv"
	exits        kindName = "exits"
	cancelled    kindName = "cancelled"
	prints       kindName = "prints"
	daemons      kindName = "daemons"
	displays     kindName = "displays"
	overtime     kindName = "overtime"
	gated        kindName = "gated"
	gatedDaemons kindName = "gated-daemons"
)

// kind is a notebook, and the model of its end where nothing was broken.
type kind struct {
	cells   []string
	end     end
	outputs []string // names of output variables
	shows   []string // in the executed notebook, after a success
	limited bool     // runs in the project that has a cell timeout
	waits   bool     // at its gate
}

// end is how an execution, or an attempt of it, ends.
type end struct {
	state     quire.State
	failure   quire.FailureKind
	errorName string
	signal    string
	exit      int
	limit     string
}

func (e end) String() string {
	return fmt.Sprintf("%s %s%s%s%s%d", e.state, e.failure, e.errorName, e.signal, e.limit, e.exit)
}

// endOf returns what of an event matters here.
func endOf(f quire.Finished) end {
	e := end{state: f.State}
	if f.Failure != nil {
		e.failure, e.errorName, e.signal, e.limit = f.Failure.Kind, f.Failure.ErrorName, f.Failure.Signal, f.Failure.Limit
		if f.Failure.ExitStatus != nil {
			e.exit = *f.Failure.ExitStatus
		}
	}
	return e
}

// awaitGate ends when the harness has made the file.
const awaitGate = "import os, time\nwhile not os.path.exists(os.environ['SOAK_DIR'] + '/gates/' + gate):\n    time.sleep(0.02)"

// startDaemons leaves behind processes that went as far away as they can.
const startDaemons = `import shutil, subprocess
sleep, setsid, sh = shutil.which("sleep"), shutil.which("setsid"), shutil.which("sh")
subprocess.Popen([sleep, "900"])
subprocess.Popen([sleep, "900"], start_new_session=True)
subprocess.run([sh, "-c", "(setsid sleep 900 &) &"])
subprocess.run([sh, "-c", f"({setsid} {sleep} 900 &) &"], env={})
subprocess.Popen([setsid, sh, "-c", f"{sleep} 900 & exec {sleep} 900"], env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)`

func kinds() map[kindName]kind {
	succeeded := end{state: quire.Succeeded}
	died := func(signal string) end { return end{state: quire.Failed, failure: quire.KernelDied, signal: signal} }
	return map[kindName]kind{
		sums: {
			cells: []string{"total = sum(range(n + 1))\nprint('total', total)", "total", "print('at the', 'end')"},
			end:   succeeded, outputs: []string{"total"}, shows: []string{"at the end"},
		},
		raises: {
			cells: []string{"print('before')", "raise ValueError('as planned')", "print('never')"},
			end:   end{state: quire.Failed, failure: quire.CellFailed, errorName: "ValueError"},
		},
		diesByKill: {cells: []string{"import os, signal", "os.kill(os.getpid(), signal.SIGKILL)", "print('never')"}, end: died("SIGKILL")},
		diesBySegv: {cells: []string{"import os, signal", "os.kill(os.getpid(), signal.SIGSEGV)", "print('never')"}, end: died("SIGSEGV")},
		exits: {
			cells: []string{"import os", "os._exit(3)", "print('never')"},
			end:   end{state: quire.Failed, failure: quire.KernelDied, exit: 3},
		},
		cancelled: {
			cells: []string{"print('before')", "import time\ntime.sleep(900)", "print('never')"},
			end:   end{state: quire.Aborted, failure: quire.Cancelled},
		},
		prints: {
			cells: []string{
				"for i in range(4000):\n    print('line', i, '.' * 60)", "import sys\nfor i in range(400):\n    print('error', i, file=sys.stderr, flush=True)",
				"print('\\n'.join('more ' + str(i) for i in range(4000)))",
			},
			end: succeeded, shows: []string{"line 0 ", "line 3999 ", "error 399", "more 3999"},
		},
		daemons: {cells: []string{startDaemons, "print('left', 'behind')"}, end: succeeded, shows: []string{"left behind"}},
		displays: {
			cells: []string{
				"from IPython.display import display\nh = display({'image/png': 'QUFB' * 400000, 'text/plain': 'large'}, raw=True, display_id='d')",
				"from IPython.display import update_display\nupdate_display({'text/plain': 'replaced ' + str(n)}, raw=True, display_id='d')",
			},
			end: succeeded, shows: []string{"replaced "},
		},
		overtime: {
			cells:   []string{"print('before')", "import time\ntime.sleep(900)", "print('never')"},
			end:     end{state: quire.Aborted, failure: quire.Limited, limit: "cell_timeout"},
			limited: true,
		},
		gated: {
			cells: []string{"print('before')", awaitGate, "passed = n\nprint('passed', n)"},
			end:   succeeded, outputs: []string{"passed"}, shows: []string{"passed "}, waits: true,
		},
		gatedDaemons: {
			cells: []string{startDaemons, awaitGate, "passed = n\nprint('passed', n)"},
			end:   succeeded, outputs: []string{"passed"}, shows: []string{"passed "}, waits: true,
		},
	}
}

// otherKinds are those that are no targets, each as often as it is to come up.
func otherKinds() []kindName {
	return []kindName{sums, sums, raises, diesByKill, diesBySegv, exits, cancelled, prints, daemons, displays, overtime}
}

// gateCell is the index in the executed notebook of the cell that waits: two
// with parameters come before the kind's own.
const gateCell = 3

// mark is the first line of cell number i: that it runs, and on which kernel,
// in a file outside of the data folder.
func mark(i int) string {
	return fmt.Sprintf(`import os as _os; _m = _os.open(_os.environ["SOAK_DIR"] + "/marks/" + _os.environ["QUIRE_EXECUTION_ID"], %d, 0o600); `+
		`_os.write(_m, b"%d %%d %%s\n" %% (_os.getpid(), open("/proc/self/stat", "rb").read().rsplit(b")", 1)[1].split()[19])); _os.close(_m)`+"\n",
		syscall.O_CREAT|syscall.O_APPEND|syscall.O_WRONLY, i)
}

// notebook returns the file of a kind.
func (k kind) notebook() ([]byte, error) {
	type object = map[string]any
	cell := func(id, source string, metadata object) object {
		return object{"cell_type": "code", "id": id, "metadata": metadata, "execution_count": nil, "outputs": []any{}, "source": source}
	}
	cells := []object{cell("parameters", "n, gate = 0, 'none'", object{"tags": []string{"parameters"}})}
	for i, source := range k.cells {
		cells = append(cells, cell(fmt.Sprintf("cell-%d", i), mark(i)+source, object{}))
	}
	return json.Marshal(object{
		"nbformat": 4, "nbformat_minor": 5, "cells": cells,
		"metadata": object{"kernelspec": object{"name": "python3", "display_name": "Python 3"}},
	})
}

package testscript_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"quire/nbformat"
)

// patience bounds every wait for something that must come.
const patience = 2 * time.Minute

// commands are what scripts can do beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"status":      status,
	"notebook":    notebook,
	"await":       await,
	"fromfile":    fromFile,
	"fromout":     fromOut,
	"gone":        gone,
	"removed":     removed,
	"certificate": certificate,
}

// status N PROGRAM ARGS… runs a program that must exit with N.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
		if state, ok := exit.Sys().(syscall.WaitStatus); ok && state.Signaled() {
			got = 128 + int(state.Signal()) // as a shell reports it
		}
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// notebook OUT SOURCE [KERNEL] makes a notebook of a source whose cells are
// separated by lines "# %% [ID] [tag=TAG]".
func notebook(ts *testscript.TestScript, _ bool, args []string) {
	nb := &nbformat.Notebook{Major: 4, Minor: 5}
	kernel := "python3"
	if len(args) > 2 {
		kernel = args[2]
	}
	ts.Check(nb.Metadata.Set("kernelspec", map[string]string{"name": kernel, "display_name": kernel}))
	for i, part := range strings.Split("\n"+ts.ReadFile(args[1]), "\n# %%") {
		head, source, _ := strings.Cut(part, "\n")
		if i == 0 {
			continue
		}
		cell := &nbformat.Cell{Type: nbformat.Code, ID: "cell-" + strconv.Itoa(i), Source: strings.TrimSpace(source), Metadata: nbformat.Object{}}
		for word := range strings.FieldsSeq(head) {
			if tag, ok := strings.CutPrefix(word, "tag="); ok {
				ts.Check(cell.Metadata.Set("tags", []string{tag}))
			} else {
				cell.ID = word
			}
		}
		nb.Cells = append(nb.Cells, cell)
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(errors.Join(nbformat.Write(f, nb), f.Close()))
}

// await FILE waits until the file is there and holds something.
func await(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, args[0]+" is written", func() bool {
		info, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil && info.Size() > 0
	})
}

// gone FILE waits until the process whose id the file holds has ended.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	until(ts, "process "+strconv.Itoa(pid)+" has ended", func() bool {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	})
}

// removed FILE waits until there is no such file or folder.
func removed(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, args[0]+" is removed", func() bool {
		_, err := os.Lstat(ts.MkAbs(args[0]))
		return errors.Is(err, fs.ErrNotExist)
	})
}

func until(ts *testscript.TestScript, what string, holds func() bool) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			ts.Fatalf("after %s it is not true that %s", patience, what)
		}
	}
}

// fromfile NAME FILE sets a variable to what the file holds.
func fromFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// fromout NAME sets a variable to what the last program printed.
func fromOut(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

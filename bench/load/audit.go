package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// audit is what became of the executions that were accepted.
type audit struct {
	Accepted int `json:"accepted"`
	Lost     int `json:"lost"`    // not listed, or without an operation or a journal
	Doubled  int `json:"doubled"` // accepted, listed, run or ended more than once, or never accepted
	Stuck    int `json:"stuck"`   // not ended
	Failed   int `json:"failed"`  // ended otherwise than well

	examples []string
}

// maxExamples is how many executions an error names.
const maxExamples = 10

func (a *audit) note(counter *int, id, format string, args ...any) {
	*counter++
	if len(a.examples) < maxExamples {
		a.examples = append(a.examples, id+": "+fmt.Sprintf(format, args...))
	}
}

func (a *audit) err() error {
	if a.Lost+a.Doubled+a.Stuck+a.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%d lost, %d doubled, %d stuck, %d failed\n%s",
		a.Lost, a.Doubled, a.Stuck, a.Failed, strings.Join(a.examples, "\n"))
}

// audit holds against each other what was accepted, what is listed, what the
// operations and the journals say, and what the runs themselves have noted.
func (l *load) audit(ctx context.Context) (*audit, error) {
	a := &audit{Accepted: len(l.accepted)}
	listed, err := l.client.executions(ctx)
	if err != nil {
		return nil, err
	}
	ran, err := l.witnessed()
	if err != nil {
		return nil, err
	}
	operations, err := l.operations(ctx)
	if err != nil {
		return nil, err
	}
	for id, answers := range l.accepted {
		starts, ends, prints, err := l.journal(id)
		states := listed[id]
		switch {
		case answers > 1:
			a.note(&a.Doubled, id, "was the answer to %d submissions", answers)
		case len(states) == 0:
			a.note(&a.Lost, id, "is not listed")
		case len(states) > 1:
			a.note(&a.Doubled, id, "is listed %d times", len(states))
		case !operations[id].Done:
			a.note(&a.Stuck, id, "is %s and its operation is not done", states[0])
		case errors.Is(err, os.ErrNotExist):
			a.note(&a.Lost, id, "has no journal")
		case err != nil:
			return nil, err
		case starts != 1 || ends != 1 || prints != 1 || ran[id] != 1:
			a.note(&a.Doubled, id, "started %d times, ended %d times, printed %d times, ran %d times", starts, ends, prints, ran[id])
		case states[0] != "SUCCEEDED" || operations[id].Response.Status != "OK":
			a.note(&a.Failed, id, "is %s, its operation %s %s", states[0], operations[id].Response.Status, operations[id].Error)
		}
	}
	for id := range listed {
		if l.accepted[id] == 0 {
			a.note(&a.Doubled, id, "is listed and was not accepted")
		}
	}
	slices.Sort(a.examples)
	return a, nil
}

// operations returns the operation of each execution.
func (l *load) operations(ctx context.Context) (map[string]operation, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ids := make(chan string)
	found := map[string]operation{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for range l.Clients {
		asking.Go(func() {
			for id := range ids {
				op, err := l.client.operation(ctx, id)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				found[id] = op
				mu.Unlock()
			}
		})
	}
	for id := range l.accepted {
		select {
		case ids <- id:
		case <-ctx.Done():
		}
	}
	close(ids)
	asking.Wait()
	return found, context.Cause(ctx)
}

// journal counts in an execution's journal. A quotation mark of a kernel's
// stands there with a backslash before it.
func (l *load) journal(id string) (starts, ends, prints int, err error) {
	data, err := os.ReadFile(filepath.Join(l.server.data, "executions", id, "journal"))
	return bytes.Count(data, []byte(`,"started":{`)), bytes.Count(data, []byte(`,"finished":{`)),
		bytes.Count(data, []byte(`"text":"ran `+id+`\n"`)), err
}

// witnessed counts how often each execution has noted that it ran.
func (l *load) witnessed() (map[string]int, error) {
	f, err := os.Open(filepath.Join(l.folder(), witness))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ran := map[string]int{}
	for lines := bufio.NewReader(f); ; {
		text, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return ran, nil
		}
		if err != nil {
			return nil, err
		}
		ran[strings.TrimSpace(text)]++
	}
}

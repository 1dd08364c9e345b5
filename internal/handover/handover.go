// Package handover makes a kernel that has started before there was a job for
// it the job's own: it says what such a kernel has read of its environment
// already, and tells it the rest by one silent request, in its language.
//
// It knows no process and no limit: that is package executor's. An IPython
// kernel that was forked is told by a message of its own, see package warm.
package handover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"quire/jupyter"
)

// Limit bounds a hand-over. A cold start takes about as long: to wait longer
// can win nothing.
const Limit = 2 * time.Second

// maxCode bounds the request: a shell reads it from a terminal, letter by
// letter.
const maxCode = 32 << 10

// A Change is what a kernel was started with, and what it is to have.
type Change struct {
	From, To []string // whole environments, NAME=value; of two with one name the last counts
	Dir      string   // the working directory, absolute
}

// set returns the variables that are another's or new, and the names of those
// that are no more, both in order.
func (c Change) set() (changed [][2]string, gone []string) {
	from, to := variables(c.From), variables(c.To)
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if old, ok := from[name]; !ok || old != to[name] {
			changed = append(changed, [2]string{name, to[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[name]; !ok {
			gone = append(gone, name)
		}
	}
	return changed, gone
}

// names are those of all variables that differ.
func (c Change) names() []string {
	changed, gone := c.set()
	for _, v := range changed {
		gone = append(gone, v[0])
	}
	return gone
}

func variables(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}

// Do makes the change in a kernel of the language that has run nothing yet,
// and returns when it is made. After an error the kernel must be ended.
func (l Language) Do(ctx context.Context, client *jupyter.Client, c Change) error {
	code, err := l.Code(c)
	if err != nil {
		return fmt.Errorf("hand kernel over: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	err = client.Request(ctx, "execute_request", map[string]any{
		"code": code, "silent": true, "store_history": false, "user_expressions": struct{}{}, "allow_stdin": false, "stop_on_error": true,
	})
	if err != nil {
		return fmt.Errorf("hand kernel over: %w", err)
	}
	return nil
}

// Code returns what makes the change: it leaves no name of its own, and prints
// nothing. It is an error where the language cannot say it.
func (l Language) Code(c Change) (string, error) {
	changed, gone := c.set()
	names := c.names()
	for _, text := range append(slices.Clip(names), c.Dir) {
		if text == "" || strings.ContainsRune(text, 0) {
			return "", errors.New("a variable or the folder has no name that could be told")
		}
	}
	for _, v := range changed {
		if strings.ContainsRune(v[1], 0) {
			return "", fmt.Errorf("%s holds a zero byte", v[0])
		}
	}
	if l.name == "bash" {
		for _, name := range names {
			if !identifier.MatchString(name) {
				return "", fmt.Errorf("%.100q is no name of a variable", name)
			}
		}
	}
	code := l.code(changed, gone, c.Dir)
	if len(code) > maxCode {
		return "", errors.New("there is too much to tell")
	}
	return code, nil
}

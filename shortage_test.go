package quire_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"quire"
)

func TestShortage(t *testing.T) {
	full := fmt.Errorf("write journal: %w", &fs.PathError{Op: "write", Path: "/srv/data/journal", Err: syscall.ENOSPC})
	short := quire.Shortage(full)
	if short == nil || short.Code != quire.ResourceExhausted || !errors.Is(short, syscall.ENOSPC) {
		t.Fatalf("got %v, want what has run out, with its cause", short)
	}
	if strings.Contains(short.Error(), "/srv") {
		t.Errorf("got %q, which shows a path", short)
	}
	for _, err := range []error{nil, errors.New("no space left on device"), fs.ErrNotExist, syscall.EINVAL} {
		if got := quire.Shortage(err); got != nil {
			t.Errorf("%v: got %v, want nothing", err, got)
		}
	}
}

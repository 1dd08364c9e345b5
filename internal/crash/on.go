//go:build crashpoints

package crash

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const (
	// pointVariable holds "NAME" or "NAME:3": the point, and at which time that
	// a process comes to it.
	pointVariable = "QUIRE_CRASH"
	// markVariable names a file that the process which dies makes first, with
	// its id. Where the file is there, no process dies: the point is for one.
	markVariable = "QUIRE_CRASH_MARK"
)

// At kills this process if it is for this point.
func At(p Point) {
	if plan().due(p) {
		die()
	}
}

// Environ returns what an executor must have in its environment to die as well.
func Environ() []string {
	var env []string
	for _, name := range []string{pointVariable, markVariable} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

type planned struct {
	point Point

	mu   sync.Mutex
	left int // times until the process dies
}

var plan = sync.OnceValue(func() *planned {
	name, times, many := strings.Cut(os.Getenv(pointVariable), ":")
	p := &planned{point: Point(name), left: 1}
	if name != "" && !slices.Contains(Points(), p.point) {
		panic(pointVariable + " names no point: " + name)
	}
	if many {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			panic(pointVariable + " is not NAME:N: " + times)
		}
		p.left = n
	}
	return p
})

func (p *planned) due(at Point) bool {
	if at != p.point {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left--
	return p.left == 0 && mark()
}

// mark reports whether this process is the one to die.
func mark() bool {
	path := os.Getenv(markVariable)
	if path == "" {
		return true
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	_, err = f.WriteString(strconv.Itoa(os.Getpid()))
	return err == nil && f.Close() == nil
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal comes to every thread, in its own time
}

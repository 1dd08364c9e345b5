// Package threads says how many threads a process has, and when they are made.
package threads

import (
	"os"
	"runtime"
	"sync"
)

// perProcessor is how many threads Share lets run for each processor.
const perProcessor = 4

// Share lets more goroutines run at a time than there are processors, unless
// the environment has GOMAXPROCS. One that waits for the disk keeps others
// from running until Go's monitor notices, and on a machine that is busy the
// monitor itself has to wait.
func Share() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(perProcessor * runtime.GOMAXPROCS(0))
	}
}

// Reserve makes n threads now. Go keeps those that it has, and ends the
// process when it needs another one and the machine has none left.
func Reserve(n int) {
	var made, over sync.WaitGroup
	made.Add(n)
	for range n {
		over.Go(func() {
			runtime.LockOSThread()
			made.Done()
			made.Wait() // all hold one at the same time
			runtime.UnlockOSThread()
		})
	}
	over.Wait()
}

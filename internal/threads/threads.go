// Package threads makes a process's threads before they are needed.
package threads

import (
	"runtime"
	"sync"
)

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

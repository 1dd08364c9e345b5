package main

import (
	"runtime"
	"sync"
)

// Threads that are made at the start.
const (
	serverThreads   = 64
	executorThreads = 16
)

// reserveThreads makes so many threads now. Go keeps those that it has, and
// ends the process when it needs another one and the machine has none left.
func reserveThreads(n int) {
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

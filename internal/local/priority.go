package local

import "quire/internal/executor"

// niceness is what executors, kernels and all they start yield by: notebooks
// that take every processor must not keep the server from answering.
const niceness = 10

// lower lowers the priority of a process that leads its group and session. It
// is done from outside and at once, for its runtime's own start is much of what
// a short execution costs; but not before its program runs: until then this
// process waits for it.
func lower(leader int) { executor.Lower(leader, niceness) }

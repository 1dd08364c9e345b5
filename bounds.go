package quire

// Bounds are what one attempt of an execution may use of the machine that it
// runs on: its spec, cut to what the machine has.
type Bounds struct {
	CPUs        int    `json:"cpus,omitempty"`
	MemoryBytes int64  `json:"memoryBytes,string,omitempty"`
	Processes   int    `json:"processes,omitempty"` // threads count too
	Clamped     bool   `json:"clamped,omitempty"`   // the spec asks for more than the machine has
	By          string `json:"by,omitempty"`        // what holds the notebook to them: cgroup v1, cgroup v2, rlimit
}

package quire

// Isolation says how an executor keeps its notebook's processes to themselves.
// The backend chooses it, by what the machine allows; the zero value leaves
// the kernel as free as the executor is.
type Isolation struct {
	Bounds Bounds   `json:"bounds"`
	Groups []string `json:"groups,omitempty"` // folders of the execution's control group; none: it has none
	Tmp    Tmp      `json:"tmp,omitempty"`
}

// Tmp says which temporary folder a kernel has.
type Tmp string

// The temporary folders. A private one is removed with the execution.
const (
	SharedTmp  Tmp = ""        // that of the machine
	MountedTmp Tmp = "mounted" // a private one, mounted over /tmp and /var/tmp
	NamedTmp   Tmp = "named"   // a private one, which TMPDIR names; /tmp is the machine's
)

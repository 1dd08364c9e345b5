package quire

import (
	"maps"
	"slices"
	"strings"
)

// Spec is a machine configuration that an execution can ask for.
type Spec struct {
	Name           string `json:"name,omitempty"`
	CPUs           int    `json:"cpus,omitempty"`
	MemoryGB       int    `json:"memoryGb,omitempty"`
	GPUs           int    `json:"gpus,omitempty"`
	GPUModel       string `json:"gpuModel,omitempty"`
	UnitsPerSecond int    `json:"unitsPerSecond,omitempty"`
}

// DefaultSpec is used where neither the call nor the project names one.
const DefaultSpec = "c1.4"

// Catalogue is the set of specs that a server offers, by name.
type Catalogue map[string]Spec

// DefaultCatalogue is DataSphere's table of VM configurations.
func DefaultCatalogue() Catalogue {
	c := Catalogue{}
	for _, s := range []Spec{
		{"c1.4", 4, 32, 0, "", 4},
		{"c1.8", 8, 64, 0, "", 8},
		{"c1.32", 32, 256, 0, "", 32},
		{"c1.80", 80, 640, 0, "", 80},
		{"g1.1", 8, 96, 1, "V100", 72},
		{"g1.2", 16, 192, 2, "V100", 144},
		{"g1.4", 32, 384, 4, "V100", 288},
		{"g2.1", 28, 119, 1, "A100", 116},
		{"g2.2", 56, 238, 2, "A100", 232},
		{"g2.4", 112, 476, 4, "A100", 464},
		{"g2.8", 224, 952, 8, "A100", 928},
		{"gt4.1", 4, 16, 1, "T4", 36},
		{"gt4i.1", 8, 32, 1, "T4i", 50},
	} {
		c[s.Name] = s
	}
	return c
}

// Lookup returns the named spec, or an InvalidArgument error for field that
// lists the known ones.
func (c Catalogue) Lookup(field, name string) (Spec, error) {
	if s, ok := c[name]; ok {
		return s, nil
	}
	known := slices.Sorted(maps.Keys(c))
	return Spec{}, Invalid(field, "unknown spec %q; known are %s", name, strings.Join(known, ", "))
}

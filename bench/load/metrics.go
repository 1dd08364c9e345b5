package main

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
)

// metrics returns the server's, the series of one name added up.
func (c *client) metrics(ctx context.Context) (map[string]float64, error) {
	var text []byte
	if err := c.call(ctx, http.MethodGet, "/metrics", nil, &text); err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		name, rest, labelled := strings.Cut(series, "{")
		if _, after, ok := strings.Cut(rest, "} "); labelled && ok {
			value = after
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			sums[name] += v
		}
	}
	return sums, nil
}

// memory is the server's at a moment, in bytes.
type memory struct {
	Heap     int64 `json:"heap"`     // that is in use right after a garbage collection
	Resident int64 `json:"resident"` // of the whole process
}

// collections is how many garbage collections the heap is seen through: what
// the first one finds in pools is gone by the third.
const collections = 4

// memory asks for metrics until their own garbage has been collected a few
// times: the least heap that is seen is what the server holds on to.
func (c *client) memory(ctx context.Context) (memory, error) {
	var least memory
	for until := -1.0; ; {
		m, err := c.metrics(ctx)
		if err != nil {
			return memory{}, err
		}
		collected := m["go_gc_duration_seconds_count"]
		if until < 0 {
			until = collected + collections
		}
		if heap := int64(m["go_memstats_heap_alloc_bytes"]); least.Heap == 0 || collected >= until-2 && heap < least.Heap {
			least.Heap = heap
		}
		least.Resident = int64(m["process_resident_memory_bytes"])
		if collected >= until {
			return least, nil
		}
	}
}

package journal

import (
	"fmt"
	"maps"

	"quire"
	"quire/nbformat"
)

// display is what a display_data or execute_result shows. Outputs with the
// same display id share one, in whatever cell or widget they are.
type display struct {
	id             string // empty: cannot be updated
	shown          int    // by how many outputs
	data, metadata nbformat.Object
}

func (d *display) snapshot() (data, metadata nbformat.Object) {
	return maps.Clone(d.data), maps.Clone(d.metadata)
}

// displays are the outputs that can be updated, by display id.
type displays map[string]*display

// show returns the display of a new output. An id that is shown already makes
// the earlier outputs show the new data too.
func (d displays) show(id string, data, metadata nbformat.Object) *display {
	shown, ok := d[id]
	if !ok {
		shown = &display{id: id}
		if id != "" {
			d[id] = shown
		}
	}
	shown.shown++
	shown.data, shown.metadata = data, metadata
	return shown
}

// forget notes that one output is gone.
func (d displays) forget(gone *display) {
	if gone == nil {
		return
	}
	gone.shown--
	if gone.shown == 0 && gone.id != "" {
		delete(d, gone.id)
	}
}

// update replaces what a display shows. An id that nobody shows is no error:
// its outputs may have been cleared.
func (d displays) update(e *quire.DisplayUpdated) error {
	shown, ok := d[e.DisplayID]
	if !ok {
		return nil
	}
	out, err := parseDisplay(e.Data, e.Metadata)
	if err != nil {
		return fmt.Errorf("display %.64q: %w", e.DisplayID, err)
	}
	shown.data, shown.metadata = out.Data, out.Metadata
	return nil
}

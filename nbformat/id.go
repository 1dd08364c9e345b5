package nbformat

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// idMinor is the first minor version whose cells have ids.
const idMinor = 5

const idText = "must be 1 to 64 letters, digits, - and _"

// validID reports whether nbformat allows the cell id.
func validID(id string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return 1 <= len(id) && len(id) <= 64 && strings.Trim(id, allowed) == ""
}

// AssignIDs gives an id to each cell that lacks one, where the notebook's
// version has ids. It makes them from the cells' places, types and sources: the
// same notebook gets the same ids each time.
func (nb *Notebook) AssignIDs() {
	if nb.Minor < idMinor {
		return
	}
	taken := make(map[string]bool, len(nb.Cells))
	for _, c := range nb.Cells {
		taken[c.ID] = true
	}
	for i, c := range nb.Cells {
		for try := 0; c.ID == ""; try++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", try, i, c.Type, c.Source))
			if id := hex.EncodeToString(sum[:4]); !taken[id] {
				taken[id] = true
				c.ID = id
			}
		}
	}
}

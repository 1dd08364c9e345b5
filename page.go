package quire

// Page asks for one page of a list.
type Page struct {
	Size  int    // 1 to MaxPageSize; 0 means DefaultPageSize
	Token string // the NextToken of the page before; empty for the first
}

// The API's limits on page sizes.
const (
	DefaultPageSize = 100
	MaxPageSize     = 1000
)

// Limit returns the page's size with the default filled in.
func (p Page) Limit() int {
	if p.Size == 0 {
		return DefaultPageSize
	}
	return min(p.Size, MaxPageSize)
}

package cli

import "io"

// What the tests look at from outside.
var (
	Root      = (&app{}).root
	Typed     = typed
	StructOf  = structOf
	Printable = printable
	Block     = block
	Fit       = fit
	EventOf   = eventOf
	WriteFile = writeFile
	Observe   = (*view).observe
	Close     = (*view).close
	Server    = (*remote).server
	TokenFor  = (*remote).token
)

// NewRemote returns what the flags would make.
func NewRemote(address, tokenFile, data string) *remote {
	return &remote{address: address, tokenFile: tokenFile, data: data}
}

type texts []string

func (t texts) source(cell int32) string { return t[cell] }

// NewView returns a view of a notebook whose cells have these texts.
func NewView(w io.Writer, cells ...string) *view { return newView(w, texts(cells)) }

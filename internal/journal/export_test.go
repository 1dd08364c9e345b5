package journal

import (
	"bytes"

	"quire"
)

// File is what a Writer writes to.
type File = file

// OnFile makes Open write through what wrap returns.
func (o WriterOptions) OnFile(wrap func(File) File) *WriterOptions {
	o.wrap = wrap
	return &o
}

// Group returns the records of a group of numbered events, as a Writer writes
// them if they are all there before it looks.
func Group(events ...quire.Event) ([]byte, error) {
	var w Writer
	var g group
	for _, e := range events {
		l, err := w.encode(e)
		if err != nil {
			return nil, err
		}
		g.add(l)
	}
	var written bytes.Buffer
	err := g.writeTo(&written)
	return written.Bytes(), err
}

// MaxColumns bounds what can be written over in a line.
const MaxColumns = maxColumns

// Terminal returns what a terminal shows after the texts.
func Terminal(texts ...string) string {
	var t terminal
	for _, text := range texts {
		t.write(text)
	}
	return t.String()
}

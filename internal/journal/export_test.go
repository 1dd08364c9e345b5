package journal

// File is what a Writer writes to.
type File = file

// OnFile makes Open write through what wrap returns.
func (o WriterOptions) OnFile(wrap func(File) File) *WriterOptions {
	o.wrap = wrap
	return &o
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

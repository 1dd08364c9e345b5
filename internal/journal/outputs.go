package journal

import (
	"slices"

	"quire/nbformat"
)

// output is one output. A stream's text is in its terminal, a display's data
// in its bundle; those fields of the Output are empty until the snapshot.
type output struct {
	nbformat.Output
	terminal *terminal
	display  *display
}

// outputs are what a cell, or an Output widget, shows.
type outputs struct {
	list      []*output
	errors    int
	clearNext bool // the next output replaces all before it
}

// prepare makes room for an output that the kernel sent.
func (o *outputs) prepare(d displays) {
	if o.clearNext {
		o.clear(d)
	}
}

func (o *outputs) clear(d displays) {
	for _, out := range o.list {
		d.forget(out.display)
	}
	*o = outputs{}
}

func (o *outputs) add(out *output) {
	o.list = append(o.list, out)
	if out.Type == nbformat.ErrorOutput {
		o.errors++
	}
}

func (o *outputs) hasError() bool { return o.errors > 0 }

// write adds text to a stream: to the last output if that is the same stream.
// nbformat knows two.
func (o *outputs) write(name, text string) {
	if name != "stderr" {
		name = "stdout"
	}
	if len(o.list) > 0 {
		last := o.list[len(o.list)-1]
		if last.terminal != nil && last.Name == name {
			last.terminal.write(text)
			return
		}
	}
	out := &output{
		Output:   nbformat.Output{Type: nbformat.StreamOutput, Name: name},
		terminal: &terminal{},
	}
	out.terminal.write(text)
	o.add(out)
}

func (o *outputs) snapshot() []nbformat.Output {
	list := make([]nbformat.Output, len(o.list))
	for i, out := range o.list {
		list[i] = out.snapshot()
	}
	return list
}

func (o *output) snapshot() nbformat.Output {
	s := o.Output
	s.Traceback = slices.Clone(s.Traceback)
	if o.terminal != nil {
		s.Text = o.terminal.String()
	}
	if o.display != nil {
		s.Data, s.Metadata = o.display.snapshot()
	}
	return s
}

package nbformat

// KernelName returns the name of the kernel that the notebook asks for, empty
// where it names none.
func (nb *Notebook) KernelName() string {
	spec, _ := Get[Object](nb.Metadata, "kernelspec")
	name, _ := Get[string](spec, "name")
	return name
}

// Language returns the language of the code cells as the notebook's kernelspec
// or else its language_info has it, empty where neither does.
func (nb *Notebook) Language() string {
	spec, _ := Get[Object](nb.Metadata, "kernelspec")
	if language, ok := Get[string](spec, "language"); ok && language != "" {
		return language
	}
	info, _ := Get[Object](nb.Metadata, "language_info")
	name, _ := Get[string](info, "name")
	return name
}

// AllowErrors reports whether the notebook's metadata asks to go on after a
// cell that failed.
func (nb *Notebook) AllowErrors() bool {
	allow, _ := Get[bool](nb.Metadata, "allow_errors")
	return allow
}

// CodeCells returns how many code cells there are.
func (nb *Notebook) CodeCells() int {
	n := 0
	for _, c := range nb.Cells {
		if c.Type == Code {
			n++
		}
	}
	return n
}

// CellByID returns the index of the cell with the id.
func (nb *Notebook) CellByID(id string) (int, bool) {
	for i, c := range nb.Cells {
		if c.ID == id {
			return i, true
		}
	}
	return 0, false
}

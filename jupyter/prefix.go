package jupyter

import (
	"path/filepath"
)

// PythonPrefix returns the environment whose Python runs the kernel, such as
// /opt/venv, and false where the kernelspec does not tell: its program is no
// Python, or whichever is first on the PATH.
func (k Kernelspec) PythonPrefix() (string, bool) {
	if len(k.Argv) == 0 {
		return "", false
	}
	program := k.Argv[0]
	if !pythonProgram.MatchString(filepath.Base(program)) {
		return "", false
	}
	if filepath.IsAbs(program) {
		return filepath.Dir(filepath.Dir(program)), true
	}
	// As in argv.
	prefix := k.prefix()
	return prefix, prefix != "" && program == filepath.Base(program) && executable(filepath.Join(prefix, "bin", "python"))
}

package handover

import (
	"fmt"
	"regexp"
	"strings"
)

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// octal writes a text as it stands between double quotes in all languages of
// the table, and in Bash's $'…': whatever one of them might take for more than
// a letter is three octal digits. Bytes stay bytes.
func octal(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', strings.IndexByte("_./,:+-", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return b.String()
}

// bashDone takes the line before it out of the history, sets what counts from
// the start back, and has the same done to the line by which bash_kernel asks
// for its exit status, after that.
const bashDone = ` && unset -v OLDPWD && declare -x OLDPWD && { [[ $(history 1) != *'SECONDS=0 && '* ]] || history -d -1; } && SECONDS=0 && ` +
	`PROMPT_COMMAND='PROMPT_COMMAND='\''PROMPT_COMMAND=; [[ $(history 1) != *"{ echo \$?; } 2>/dev/null" ]] || history -d -1'\'`

// bash is one line: each would be one of the history.
func bash(set [][2]string, gone []string, dir string) string {
	var b strings.Builder
	b.WriteString("[[ $- == *i* && -z ${PROMPT_COMMAND-} ]]") // or the prompt is somebody's
	for _, v := range set {
		fmt.Fprintf(&b, " && export %s=$'%s'", v[0], octal(v[1]))
	}
	for _, name := range gone {
		fmt.Fprintf(&b, " && unset -v %s", name)
	}
	// As where it starts there: no link on the way is kept.
	fmt.Fprintf(&b, " && cd -P -- $'%s'", octal(dir))
	return b.String() + bashDone
}

// r names everything by its package: a user's profile may have hidden it.
func r(set [][2]string, gone []string, dir string) string {
	var b strings.Builder
	b.WriteString("base::local({")
	for _, v := range set {
		fmt.Fprintf(&b, ` base::stopifnot(base::do.call(base::Sys.setenv, base::list("%s" = "%s")));`, octal(v[0]), octal(v[1]))
	}
	for _, name := range gone {
		fmt.Fprintf(&b, ` base::stopifnot(base::Sys.unsetenv("%s"));`, octal(name))
	}
	fmt.Fprintf(&b, ` base::setwd("%s"); base::invisible(NULL) })`, octal(dir))
	return b.String()
}

func julia(set [][2]string, gone []string, dir string) string {
	var b strings.Builder
	b.WriteString("let;")
	for _, v := range set {
		fmt.Fprintf(&b, ` Base.ENV["%s"] = "%s";`, octal(v[0]), octal(v[1]))
	}
	for _, name := range gone {
		fmt.Fprintf(&b, ` Base.delete!(Base.ENV, "%s");`, octal(name))
	}
	fmt.Fprintf(&b, ` Base.cd("%s"); end; nothing`, octal(dir))
	return b.String()
}

// pythonDone sets right what modules have taken from the process when they
// were imported, as warm/forkserver.py does.
const pythonDone = `
import pathlib, sys
process = sys.modules.get("multiprocessing.process")
if process:
    process.ORIGINAL_DIR = os.getcwd()
tempfile = sys.modules.get("tempfile")
if tempfile:
    tempfile.tempdir = None
shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
if hasattr(shell, "starting_dir"):
    shell.starting_dir = os.getcwd()
if hasattr(getattr(shell, "history_manager", None), "dir_hist"):
    shell.history_manager.dir_hist[:] = [pathlib.Path.cwd()]
`

// python runs in a namespace of its own.
func python(set [][2]string, gone []string, dir string) string {
	var b strings.Builder
	b.WriteString("import os\n")
	for _, v := range set {
		fmt.Fprintf(&b, "os.environb[b\"%s\"] = b\"%s\"\n", octal(v[0]), octal(v[1]))
	}
	for _, name := range gone {
		fmt.Fprintf(&b, "os.environb.pop(b\"%s\", None)\n", octal(name))
	}
	fmt.Fprintf(&b, "os.chdir(b\"%s\")", octal(dir))
	return `exec("` + octal(b.String()+pythonDone) + `", {})`
}

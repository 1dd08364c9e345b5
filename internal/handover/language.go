package handover

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"quire/jupyter"
)

// Language is how kernels of a language are handed over.
type Language struct {
	name string
	code func(set [][2]string, gone []string, dir string) string

	// read are the variables that have had their effect by the kernel's start,
	// beside readByAll: names, or with a star what they begin with.
	read []string
	// local are files of the working directory that the start reads, and above
	// those of the folders above it too.
	local, above []string
	// profiles are the user's files that the start runs, ~ being their home:
	// one that mentions a variable has read it. Configured are those of which
	// one is too many: the notebook's folder is theirs to look at.
	profiles, configured []string
	// Sized: thread pools or the heap are as large as the machine was then.
	Sized bool
}

// readByAll are read by the loader, the C library and other libraries that any
// kernel may have loaded, those of package warm's fork servers included, or
// say where the user's files are.
var readByAll = []string{
	"PYTHON*", "LD_*", "LC_*", "LANG*", "GLIBC_TUNABLES*", "MALLOC_*", "OMP_*", "GOMP_*", "KMP_*", "OPENBLAS_*", "GOTO_*", "BLIS_*",
	"MKL_*", "VECLIB_*", "ARROW_*", "JE_ARROW_*", "CUDA_*", "NVIDIA_*", "OPENSSL_*", "SSL_*", "NUMEXPR_*", "NPY_*", "NUMPY_*",
	"HOME", "PATH", "SHELL", "USER", "LOGNAME", "HOSTNAME", "TERM", "COLORTERM", "TERMINFO*", "COLUMNS", "LINES", "NO_COLOR", "CLICOLOR*", "FORCE_COLOR",
	"TZ", "TZDIR", "TMPDIR", "TMP", "TEMP", "XDG_*", "EDITOR", "VISUAL", "PAGER", "GIT_PAGER", "BROWSER", "DISPLAY",
	"JUPYTER_*", "JPY_*", "IPYTHON*", "IPYKERNEL_*", "TRAITLETS_*", "PYDEVD_*", "ZMQ_*", "CONDA_*", "VIRTUAL_ENV*",
}

var languages = map[string]Language{
	"bash": {
		name: "bash", code: bash,
		// What Bash gives a meaning or sets itself (bash(1), Shell Variables).
		read: []string{
			"_", "BASH*", "CDPATH", "CHILD_MAX", "COMP_*", "COMPREPLY", "COPROC*", "DIRSTACK", "EMACS", "ENV", "EPOCH*", "EUID", "EXECIGNORE",
			"FCEDIT", "FIGNORE", "FUNCNAME", "FUNCNEST", "GLOBIGNORE", "GROUPS", "HIST*", "HOST*", "IFS", "IGNOREEOF", "INPUTRC", "INSIDE_EMACS",
			"LINENO", "MACHTYPE", "MAIL*", "MAPFILE", "NOTEBOOK_BASH_KERNEL_CAPABILITIES", "OLDPWD", "OPTARG", "OPTERR", "OPTIND", "OSTYPE",
			"PIPESTATUS", "POSIXLY_CORRECT", "PPID", "PROMPT_*", "PS0", "PS1", "PS2", "PS3", "PS4", "PWD", "RANDOM", "READLINE_*", "REPLY",
			"SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM", "TIMEFORMAT", "TMOUT", "UID", "auto_resume", "histchars",
		},
		profiles: []string{"/etc/bashrc", "/etc/bash.bashrc", "~/.bashrc", "~/.bash_aliases"},
	},
	"julia": {
		name: "julia", code: julia, Sized: true,
		read:     []string{"JULIA_*", "IJULIA_*", "ENABLE_*"},
		above:    []string{"Project.toml", "JuliaProject.toml"},
		profiles: []string{"~/.julia/config/startup.jl", "/etc/julia/startup.jl", "/usr/etc/julia/startup.jl"},
	},
	"python": {
		name: "python", code: python,
		read:       []string{"MPLBACKEND", "IN_SPHINX_RUN", "XEUS_*"},
		local:      []string{"ipython_config.py", "ipython_config.json", "ipython_kernel_config.py", "ipython_kernel_config.json"},
		configured: []string{"~/.ipython/profile_default/*.py", "~/.ipython/profile_default/*.json", "~/.ipython/profile_default/startup/*.*py", "/etc/ipython/*.*", "/usr/local/etc/ipython/*.*"},
	},
	"r": {
		name: "r", code: r, Sized: true,
		// R_HOME/etc/Renviron gives the others a default (Startup in R's manual).
		read:     []string{"R_*", "RSTUDIO*", "LN_S", "MAKE", "PAPERSIZE", "PERL", "SED", "TAR"},
		local:    []string{".Rprofile", ".Renviron", ".RData", ".Rhistory"},
		profiles: []string{"~/.Rprofile", "~/.Renviron", "/etc/R/*", "/usr/lib*/R/etc/*", "/usr/local/lib*/R/etc/*", "/opt/R/*/lib*/R/etc/*"},
	},
}

// Of returns how kernels of the kernelspec's language are handed over. Its
// error names the languages whose kernels are.
func Of(spec jupyter.Kernelspec) (Language, error) {
	l, ok := languages[strings.ToLower(spec.Language)]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(languages)), ", ")
		return l, fmt.Errorf("kernels of the language %q cannot be started ahead; those of these can: %s", spec.Language, known)
	}
	return l, nil
}

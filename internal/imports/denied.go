package imports

import "strings"

// denied reports whether a module is never imported ahead.
func denied(name string) bool {
	top, _, _ := strings.Cut(name, ".")
	if ownModules[top] || deniedModules[top] {
		return true
	}
	for prefix := range deniedBelow {
		if name == prefix || strings.HasPrefix(name, prefix+".") {
			return true
		}
	}
	return false
}

// deniedModules do at their import what belongs to the notebook, or what does
// not outlive a fork, and do it only on some machines: the fork server, which
// looks at what an import does, need not see it.
var deniedModules = names(`
	cudf cuml cupy dask_cuda jax jaxlib mxnet numba_cuda paddle pycuda pyopencl rmm tensorflow tf_keras keras torch
	torchaudio torchvision
	eventlet gevent greenlet twisted uvloop
	ipdb pdbpp pudb pydevd debugpy web_pdb
	coverage hypothesis nose pytest test testpath tests xdist
	autoreload line_profiler memory_profiler pyinstrument scalene
	ddtrace newrelic sentry_sdk wandb
	ray pyspark findspark
	IPython ipykernel ipyparallel ipywidgets matplotlib_inline
	pip pkg_resources setuptools distutils
	pylab pythoncom vtk wx PyQt5 PyQt6 PySide2 PySide6 gi pygame pyglet`)

// deniedBelow are parts of packages that may be imported otherwise.
var deniedBelow = names(`matplotlib.backends numba.cuda google.colab tqdm.auto tqdm.autonotebook tqdm.notebook`)

// ownModules are Python's own, of the versions 3.9 to 3.14. Those that are
// worth it are imported by the kernel itself; the others cost little, or are
// this, antigravity, turtle and pdb.
var ownModules = names(`
	abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii
	binhex bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys
	compileall compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses
	dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler
	fcntl filecmp fileinput fnmatch formatter fractions ftplib functools gc genericpath getopt getpass gettext glob
	graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools
	json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib
	msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev parser
	pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd
	py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched
	secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3
	sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symbol symtable
	sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit tkinter token
	tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid
	venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib
	zoneinfo`)

func names(list string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		set[name] = true
	}
	return set
}

package executor_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/executor"
	"quire/internal/testenv"
	"quire/internal/warm"
	"quire/nbformat"
)

// warmed makes a fork server for the kernel python3 with the environment.
func warmed(t *testing.T, env []string, learned ...string) *quire.WarmKernel {
	t.Helper()
	pool := warm.New(&warm.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Cleanup(func() { pool.Close() })
	key := warm.Key{Python: testenv.Python(t), Env: env, Preload: warm.Preload(), Learned: learned}
	socket := pool.Wait(key)
	if socket == "" {
		t.Fatal("there is no fork server")
	}
	return &quire.WarmKernel{Python: key.Python, Socket: socket}
}

// runLogged runs the job as run does and returns what the executor logged.
func runLogged(t *testing.T, job quire.Job) (result, string) {
	t.Helper()
	return runBy(t, job, func(opts executor.Options) (quire.Finished, error) { return executor.Run(t.Context(), job, &opts) })
}

// runInSlot runs the job as runLogged does, in a kernel that waits for it.
func runInSlot(t *testing.T, job quire.Job) (result, string) {
	t.Helper()
	template := quire.Job{Env: job.Env, KernelPath: job.KernelPath, Warm: job.Warm}
	return runBy(t, job, func(opts executor.Options) (quire.Finished, error) {
		return executor.RunInSlot(t.Context(), template, job, opts)
	})
}

func runBy(t *testing.T, job quire.Job, start func(executor.Options) (quire.Finished, error)) (result, string) {
	t.Helper()
	var log bytes.Buffer
	var r result
	end, err := start(executor.Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Observe: func(e quire.Event) {
			r.events = append(r.events, e)
			r.progress.Apply(e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.end = end
	data, err := os.ReadFile(job.NotebookPath())
	if err != nil {
		t.Fatal(err)
	}
	if r.notebook, err = nbformat.Parse(data); err != nil {
		t.Fatal(err)
	}
	return r, log.String()
}

// likeness is a cell whose outputs are to be the same on both kinds of kernel.
type likeness struct{ name, source string }

// likenesses are one notebook: a cell may use what one before it has made.
var likenesses = []likeness{
	{"files of modules", "import IPython, json\nfiles = get_ipython().kernel._kernel_modules\nprint(IPython.__file__ in files, json.__file__ in files, {type(f) for f in files})"},
	// What a module does when it is imported is there from the start in a forked kernel: docs/kernels.md.
	{"preloaded modules", "import " + strings.Join(append(warm.Preload(), learned...), ", ")},
	{"environment", "import os\nfor k, v in sorted(os.environ.items()): print(k, '=', v)"},
	{"environment as others see it", "b'QUIRE_EXECUTION_ID=' + os.environb[b'QUIRE_EXECUTION_ID'] in open('/proc/self/environ', 'rb').read().split(b'\\0')"},
	{"environment of a child", "import subprocess\nprint(*sorted(subprocess.check_output('env', text=True).splitlines()), sep='\\n')"},
	{"process", "print(os.getpgrp() == os.getpid() == os.getsid(0), os.getcwd(), oct(os.umask(0o27)), os.umask(0o22), os.getpriority(0, 0), os.sched_getaffinity(0), open('/proc/self/oom_score_adj').read(), open('/proc/self/comm').read())"},
	{"limits", "import resource\nfor n in sorted(n for n in dir(resource) if n.startswith('RLIMIT')): print(n, resource.getrlimit(getattr(resource, n)))"},
	{"sys", "import sys\nprint(sys.argv, sys.orig_argv[1:], sys.path, sys.flags, sys.executable, sys.prefix, sys.base_prefix, sys.exec_prefix, sys.warnoptions, sys._xoptions, sys.getrecursionlimit(), sys.getswitchinterval(), sys.dont_write_bytecode, sys.gettrace(), sys.getprofile(), sep='\\n')"},
	{"hooks", "print(sys.excepthook, sys.displayhook, sys.unraisablehook, sys.breakpointhook, sys.meta_path[:3], sep='\\n')"},
	{"main", "print(__name__, sys.modules['__main__'], sorted(vars(sys.modules['__main__'])), sorted(dir()), sep='\\n')"},
	{"user's modules", "open('own.py', 'w').write('import multiprocessing, os\\nvalue = 1\\ndef double(x): return 2 * x\\ndef where(x): return multiprocessing.current_process().daemon, os.getcwd()\\n')\nimport own\nprint(own.value, own.__file__, [m for m in sys.modules.values() if (getattr(m, '__file__', None) or '').startswith(os.getcwd())])"},
	{"signals", "import signal\nfor s in sorted(signal.valid_signals()): print(s, signal.getsignal(s))\nprint(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getitimer(signal.ITIMER_REAL), signal.set_wakeup_fd(-1) >= 0)\nprint(*(l for l in open('/proc/self/status') if l.startswith(('SigPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'ShdPnd', 'NoNewPrivs', 'Seccomp:', 'Cap'))))"},
	{"stdio", "print(os.readlink('/proc/self/fd/0'))\nfor f in sys.stdin, sys.__stdin__, sys.__stdout__, sys.__stderr__: print(f.name, f.encoding, f.errors, f.line_buffering, f.isatty(), f.fileno())\nprint(repr(sys.stdin.read()))"},
	// One that its parent has left open for it is not closed at an exec: that is the test's own parent's.
	{"descriptors", "import re\ndef link(fd):\n    try: return re.sub(r'\\d+', '', os.readlink(f'/proc/self/fd/{fd}')) if not os.get_inheritable(int(fd)) else ''\n    except OSError: return ''\nprint(*sorted(filter(None, map(link, os.listdir('/proc/self/fd')))), sep='\\n')"},
	{"captured output", "subprocess.run(['echo', 'child'])\nos.write(1, b'written\\n')\nos.system('echo shell')\nNone"},
	{"captured by IPython", "!echo magic"},
	{"captured errors", "os.write(2, b'written\\n')\nsubprocess.run('echo error >&2', shell=True)\nNone"},
	{"own errors", "print('own', file=sys.stderr)"},
	{"seeded", "import random, numpy\nrandom.seed(7); numpy.random.seed(7)\nprint(random.random(), numpy.random.rand(), numpy.random.get_state()[0])"},
	{"hash", "print(sys.hash_info, sys.flags.hash_randomization)"},
	{"threads", "import re, threading\nprint(sorted(re.sub(r'\\d', '', t.name) for t in threading.enumerate()), threading.Thread(target=print).name, threading.main_thread() is threading.current_thread(), threading.get_native_id() == os.getpid(), threading.main_thread().native_id == os.getpid(), threading.excepthook, threading.stack_size())"},
	{"thread pools", "import scipy.linalg.blas\na = numpy.random.rand(600, 600); b = a @ a; c = scipy.linalg.blas.dgemm(1, a, a)\nprint(len([t for t in os.listdir('/proc/self/task') if 'jemalloc' not in open(f'/proc/self/task/{t}/comm').read()]))"},
	{"thread pool", "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool: print(list(pool.map(own.double, range(3))))"},
	{"fork", "import multiprocessing\ndef triple(x): return 3 * x\nwith multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(triple, range(3)), pool.map(own.where, [0]))"},
	{"multiprocessing", "p = multiprocessing.current_process()\nprint(p.name, p.pid == os.getpid(), multiprocessing.parent_process(), len(p.authkey), multiprocessing.get_start_method(), multiprocessing.process.ORIGINAL_DIR)"},
	{"fork by hand", "pid = os.fork()\nif pid == 0: os._exit(7)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"},
	{"asyncio", "import asyncio\nasync def later(): await asyncio.sleep(0.01); return 1\nprint(await asyncio.gather(later(), later()), type(asyncio.get_running_loop()), type(asyncio.get_event_loop_policy()))\np = await asyncio.create_subprocess_exec('echo', 'sub', stdout=-1)\nprint((await p.communicate())[0], p.returncode)"},
	{"matplotlib", "import matplotlib.pyplot as plt\nprint(plt.get_backend(), plt.isinteractive(), plt.rcParams['figure.dpi'], plt.get_fignums())\nplt.plot([1, 2], [3, 4])\nNone"},
	{"matplotlib object", "fig, ax = plt.subplots(); ax.bar([1, 2], [3, 4]); plt.close(fig); fig"},
	{"pandas", "import pandas\ndf = pandas.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\nprint(df.describe(), pandas.Timestamp(0, unit='s', tz='local') if False else '')\ndf"},
	{"logging", "import logging\nprint(logging.root.handlers, logging.root.level, sorted(logging.root.manager.loggerDict)[:0], flush=True)\nlogging.warning('warned')\nprint(abs(logging.makeLogRecord({}).relativeCreated) < 60_000, logging.LogRecord('n', 1, 'p', 1, 'm', (), None).process == os.getpid())"},
	{"warnings", "import warnings\nwarnings.warn('once'); warnings.warn('dep', DeprecationWarning)\nprint(warnings.showwarning, *sorted(map(str, warnings.filters)), sep='\\n')"},
	{"locale", "import locale\nprint(locale.getlocale(), locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), locale.getpreferredencoding(), locale.localeconv()['decimal_point'])"},
	{"time zone", "import time\nprint(time.tzname, time.timezone, time.strftime('%Z', time.localtime(0)))"},
	{"temporary files", "import tempfile\nprint(tempfile.gettempdir(), os.path.dirname(tempfile.mkdtemp()))"},
	{"history", "%history -n 1-3\nprint(get_ipython().history_manager.session_number, In[1], len(In), get_ipython().execution_count)"},
	{"interpreter", "import faulthandler, tracemalloc, gc\nprint(faulthandler.is_enabled(), tracemalloc.is_tracing(), gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks)"},
	{"faulthandler", "with open('dump', 'w') as f: faulthandler.dump_traceback(f)\nprint(len(open('dump').read()) > 10)\nfaulthandler.enable(); print(faulthandler.is_enabled()); faulthandler.disable()"},
	{"tracemalloc", "tracemalloc.start(); x = [0] * 1000; print(tracemalloc.get_traced_memory()[0] > 8000); tracemalloc.stop()"},
	{"IPython", "ip = get_ipython()\nprint(type(ip), ip.profile_dir.location, ip.ipython_dir, ip.config, ip.user_module, ip.kernel.debugger.__class__, ip.parent.__class__, ip.magics_manager.auto_magic, ip.colors, ip.ast_node_interactivity, ip.extension_manager.loaded, ip.has_trait('x'), type(ip.compile))"},
	{"IPython's shell", "for k, v in sorted(vars(ip).items()): print(k, type(v))\nprint([type(c).__name__ for c in ip.configurables], sorted(ip._trait_values), ip.starting_dir, ip.parent is ip.kernel, ip.user_module is sys.modules['__main__'], ip.history_manager.hist_file, ip._orig_sys_module_state, ip._orig_sys_modules_main_mod, ip.sys_excepthook, ip.stdin_encoding, ip.Completer.dumb_terminal, ip.ns_table.keys(), sorted(ip.user_ns_hidden), sys.ps1, sep='\\n')"},
	{"IPython's application", "app = ip.kernel.parent\nprint(app.argv, app.extra_args, app.cli_config, app.config is ip.config, app.connection_file, app.profile_dir is ip.profile_dir, app.config_file_paths, app.loaded_config_files, [type(h).__name__ for h in app.log.handlers], app.log.level, sorted(app._trait_values), type(app).instance() is app, sep='\\n')"},
	{"magics", "%time 1 + 1\n%pwd"},
	{"%timeit", "%timeit -n1 -r1 -q 1"},
	{"%run", "open('s.py', 'w').write('print(__name__, __file__)')\n%run s.py"},
	{"%%bash", "%%bash\necho $QUIRE_EXECUTION_ID | wc -c"},
	{"%who", "%who"},
	{"%reset", "%reset -f\nprint(sorted(dir()))"},
	{"source", "import inspect, pickle, sys, os\nclass C:\n    def m(self): return 1\ndef f(): return 1\nprint(inspect.getsource(C.m), inspect.getsource(f), type(pickle.loads(pickle.dumps(C()))))"},
	{"error", "def f(): return 1 / 0\nf()"},
	{"error in a module", "import json\njson.loads('{')"},
	{"syntax error", "def"},
	{"KeyboardInterrupt error", "import signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(5)"},
	{"input error", "input('?')"},
	{"display", "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))\ndisplay(1, 2)\n1"},
	{"widgets", "import ipywidgets\nipywidgets.IntSlider(value=3).value"},
	{"sqlite", "import sqlite3\nsqlite3.connect(':memory:').execute('select 1').fetchall()"},
	{"weak references", "import gc, weakref\nr = weakref.ref(C); del C; gc.collect(); gc.get_freeze_count() >= 0"},
	{"completion", "get_ipython().Completer.complete('os.getc')[1][:1]"},
	{"help", "import json\n?json.loads"},
	{"main thread's end", "import threading\nt = threading.Thread(target=lambda: print('in a thread')); t.start(); t.join()"},
	{"files left open", "open('keeps.py', 'w').write('f = open(\"left1\", \"w\"); f.write(\"module\")')\nimport keeps\nleft = open('left2', 'w'); left.write('variable')"},
	{"C's own exit handlers", "import ctypes, os\nflags = os.open('left3', os.O_CREAT | os.O_WRONLY)\nlibc = ctypes.CDLL(None); libc.fdopen.restype = ctypes.c_void_p\nlibc.fputs(b'stdio', ctypes.c_void_p(libc.fdopen(flags, b'w')))\nNone"},
	{"atexit", "import atexit\natexit.register(lambda: open('atexit', 'w').write('done'))\nNone"},
}

// children are a notebook of their own: after a spawn, IPython's kernel waits
// for Python's resource tracker at its end, in vain.
var children = []likeness{
	{"module", "open('own.py', 'w').write('import multiprocessing, os\\ndef where(x): return 2 * x, multiprocessing.current_process().daemon, os.getcwd()\\n')\nimport own, multiprocessing"},
	{"spawn", "with multiprocessing.get_context('spawn').Pool(2) as pool: print(pool.map(own.where, range(3)))"},
	{"forkserver", "with multiprocessing.get_context('forkserver').Pool(1) as pool: print(pool.map(own.where, [0]))"},
	{"manager", "with multiprocessing.Manager() as m: d = m.dict(); d['a'] = 1; print(dict(d))"},
	{"process pool", "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor(1) as pool: print(list(pool.map(own.where, [0])))"},
	{"shared memory", "from multiprocessing import shared_memory\nm = shared_memory.SharedMemory(create=True, size=10); m.buf[0] = 1; m.close(); m.unlink()\nprint('released')"},
}

// libraries are a notebook of those that have threads of their own. It imports
// what a project may teach a fork server to import, see learned.
var libraries = []likeness{
	{"import", "import " + strings.Join(append(warm.Preload(), learned...), ", ")},
	{"thread pools", "import threadpoolctl\nfor p in sorted(threadpoolctl.threadpool_info(), key=lambda p: p['filepath']): print(sorted(p.items()))"},
	{"sizes", "import os, joblib\nprint(numexpr.nthreads, numexpr.get_num_threads(), numexpr.ncores, numexpr.MAX_THREADS, numexpr.detect_number_of_threads(), pyarrow.cpu_count(), pyarrow.io_thread_count(), joblib.cpu_count(), joblib.effective_n_jobs(-1), sklearn.utils._openmp_helpers._openmp_effective_n_threads(), os.environ.get('NUMEXPR_NUM_THREADS'), os.environ.get('OMP_NUM_THREADS'))"},
	{"numexpr", "a = numpy.arange(1_000_000.0); b = a[::-1].copy()\nprint(numexpr.evaluate('sum(2 * a + sin(b) ** 2)'), numexpr.evaluate('where(a > b, a, b)')[:3], numexpr.set_num_threads(2), numexpr.nthreads)\nprint(numexpr.evaluate('sum(a * b)'))"},
	{"numexpr by pandas", "df = pandas.DataFrame({'a': a, 'b': b})\nprint(df.eval('a + b').sum(), len(df.query('a < b')), pandas.get_option('compute.use_numexpr'))"},
	{"pyarrow", "table = pyarrow.table({'a': range(100_000), 'b': [str(i % 7) for i in range(100_000)]})\npyarrow.parquet.write_table(table, 'table.parquet')\nback = pyarrow.parquet.read_table('table.parquet')\nprint(back.equals(table), back.schema, back.group_by('b').aggregate([('a', 'sum')]).sort_by('b').to_pydict(), pyarrow.compute.sum(back['a']))"},
	{"pyarrow and pandas", "print(pandas.read_parquet('table.parquet').equals(table.to_pandas(use_threads=True)), table.to_pandas().describe())"},
	{"pyarrow's memory", "pool = pyarrow.default_memory_pool()\nprint(pool.backend_name, pool.bytes_allocated() > 0, pyarrow.supported_memory_backends())"},
	{"pyarrow's threads", "pyarrow.set_cpu_count(3); print(pyarrow.cpu_count(), pyarrow.compute.sort_indices(table, [('a', 'descending')])[:3])"},
	{"data set", "import pyarrow.dataset\nprint(pyarrow.dataset.dataset('table.parquet').to_table(filter=pyarrow.compute.field('a') < 5).to_pydict())"},
	{"linear model", "X = numpy.random.RandomState(1).rand(2000, 20); y = X @ numpy.arange(20.0)\nprint(sklearn.linear_model.LinearRegression(n_jobs=2).fit(X, y).coef_.round(6))"},
	{"forest", "import sklearn.ensemble\nprint(sklearn.ensemble.RandomForestRegressor(20, n_jobs=2, random_state=0).fit(X, y).predict(X[:5]).round(6))"},
	{"gradients by OpenMP", "print(sklearn.ensemble.HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y).predict(X[:5]).round(6))"},
	{"clusters by OpenMP", "import sklearn.cluster\nprint(round(sklearn.cluster.KMeans(3, n_init=2, random_state=0).fit(X).inertia_, 4))"},
	{"limited", "with threadpoolctl.threadpool_limits(1): print(*{p['num_threads'] for p in threadpoolctl.threadpool_info()}, (X.T @ X).sum().round(6))"},
	{"statistics", "print(scipy.stats.ttest_ind(X[0], X[1]), scipy.stats.norm(0, 1).rvs(2, random_state=1))"},
	{"drawn anew", "print(sklearn.utils.check_random_state(None) is numpy.random.mtrand._rand)"},
	{"threads", "def f(x): return x * x\nprint(joblib.Parallel(2, backend='threading')(joblib.delayed(f)(i) for i in range(4)))"},
	{"fork", "import multiprocessing\nimport warnings\nwarnings.simplefilter('ignore')\ndef fit(seed): return float(sklearn.cluster.KMeans(2, n_init=1, random_state=seed).fit(X[:200]).inertia_), float(numexpr.evaluate('sum(a)'))\nwith multiprocessing.get_context('fork').Pool(1) as pool: print(pool.map(f, range(3)))"},
}

// learned are modules that a fork server was told nobody has tried.
var learned = []string{"numexpr", "pyarrow.compute", "pyarrow.parquet", "scipy.stats", "sklearn.linear_model"}

// workers are a notebook of their own, for the reason that children are.
var workers = []likeness{
	{"import", "import joblib, os, numpy, sklearn.linear_model, sklearn.model_selection\nX = numpy.random.RandomState(1).rand(500, 5); y = X.sum(1) > 2.5"},
	{"processes", "print(joblib.Parallel(2)(joblib.delayed(abs)(-i) for i in range(4)))"},
	{"a fit by processes", "print(sklearn.model_selection.cross_val_score(sklearn.linear_model.LogisticRegression(), X, y, cv=4, n_jobs=2))"},
	{"a search by processes", "print(sklearn.model_selection.GridSearchCV(sklearn.linear_model.LogisticRegression(), {'C': [0.1, 1]}, n_jobs=2).fit(X, y).best_params_)"},
}

// differing is what two runs of one notebook do not share.
var differing = regexp.MustCompile(`quire-[\w]+(?:/kernel)?|0x[0-9a-f]+|\bpid=\d+|\x60Wall time.*|Wall time: .*|CPU times: .*|ipykernel_\d+|File /tmp/\S+`)

// shown is what a cell shows, without that.
func shown(job quire.Job, c *nbformat.Cell) []string {
	var all []string
	replace := strings.NewReplacer(job.WorkDir, "WORKDIR", job.Dir, "DIR", string(job.ExecutionID), "ID")
	for _, o := range c.Outputs {
		text := string(o.Type) + " " + o.Name + o.Text + o.ErrorName + strings.Join(o.Traceback, "\n")
		for _, mime := range slices.Sorted(maps.Keys(o.Data)) {
			text += " " + mime + ": " + string(o.Data[mime])
		}
		all = append(all, differing.ReplaceAllString(replace.Replace(text), "…"))
	}
	return all
}

func TestForkedKernelIsLikeAColdOne(t *testing.T) {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	base, taught := warmed(t, env), warmed(t, env, learned...)
	for name, tt := range map[string]struct {
		list  []likeness
		offer *quire.WarmKernel
	}{
		"one process": {likenesses, taught}, "children": {children, base},
		"libraries": {libraries, base}, "workers": {workers, taught}, "learned libraries": {libraries, taught},
	} {
		t.Run(name, func(t *testing.T) {
			list, offer := tt.list, tt.offer
			cold := runLikenesses(t, list, env, nil, runLogged)
			forked := runLikenesses(t, list, env, offer, runLogged)
			waited := runLikenesses(t, list, env, offer, runInSlot)
			for i, l := range list {
				fails := func(output string) bool { return strings.HasPrefix(output, "error") }
				if slices.ContainsFunc(cold[i], fails) && !strings.Contains(l.name, "error") {
					t.Errorf("%s shows nothing that could be compared: %s", l.name, cold[i])
				}
				if diff := cmp.Diff(cold[i], forked[i]); diff != "" {
					t.Errorf("%s (-cold +forked):\n%s", l.name, diff)
				}
				if diff := cmp.Diff(cold[i], waited[i]); diff != "" {
					t.Errorf("%s (-cold +waited):\n%s", l.name, diff)
				}
			}
		})
	}
}

// runLikenesses returns what each cell shows.
func runLikenesses(t *testing.T, list []likeness, env []string, offer *quire.WarmKernel, run func(*testing.T, quire.Job) (result, string)) (outputs [][]string) {
	t.Helper()
	var cells []*nbformat.Cell
	for _, l := range list {
		cells = append(cells, cell(l.source, "raises-exception"))
	}
	job := newJob(t, "python3", cells...)
	job.Env = env
	job.Inputs = map[string]any{"NUMBER": json.Number("3"), "TZ": "Asia/Tokyo", "TMPDIR": job.WorkDir, "TEXT": "naïve\nline"}
	job.Warm = offer
	r, log := run(t, job)
	if r.end.State != quire.Succeeded {
		t.Fatalf("got %+v\n%s", r.end.Failure, log)
	}
	wantForked(t, log, offer != nil)
	if strings.Contains(list[len(list)-1].source, "atexit") {
		for name, want := range map[string]string{"atexit": "done", "left1": "module", "left2": "variable", "left3": "stdio"} {
			if got, err := os.ReadFile(filepath.Join(job.WorkDir, name)); string(got) != want {
				t.Errorf("its end leaves %q in %s, want %q: %v", got, name, want, err)
			}
		}
	}
	for _, c := range r.notebook.Cells {
		outputs = append(outputs, shown(job, c))
	}
	return outputs
}

// wantForked looks into the executor's log for how the kernel was started.
func wantForked(t *testing.T, log string, want bool) {
	t.Helper()
	if got := strings.Contains(log, "kernel is forked"); got != want {
		t.Errorf("forked: got %v, want %v\n%s", got, want, log)
	}
}

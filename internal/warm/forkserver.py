"""Quire's fork server: imports once what every kernel of one environment
imports, and forks a process from itself for each kernel.

    python forkserver.py SOCKET MODULE... -- LEARNED...

Three kinds of process run this file. The fork server imports, listens on
SOCKET, and forks a keeper for each connection without reading a byte of it.
The keeper reads the request, forks the kernel, reports its end, and then ends
whatever the kernel has left behind. The kernel becomes what
`python -m ipykernel_launcher` is. The fork server lives as long as its standard
input, a keeper and its kernel as long as the connection: who asked for them
need not be their parent, and the fork server's own end harms none of them.

A request is four bytes of length and JSON, with the kernel's descriptors 0, 1
and 2 beside the first byte, and those of namespaces to enter. The answers are lines of JSON: {"pid"} with a pidfd
beside it, after which the kernel waits for one byte; then {"code", "signal"}.
Or {"cold"}: why this kernel must be started without a fork.
"""

import atexit
import builtins
import gc
import itertools

quick_exit = atexit._ncallbacks() == 0  # who was registered before us would run after us, see finish
atexit.register(lambda: finish())
gc.disable()  # a collection would write to every object's header, and its page is shared no more

import ctypes
import importlib
import importlib.machinery
import importlib.util
import io
import json
import locale
import os
import pathlib
import runpy
import select
import signal
import site
import socket
import sys
import threading
import time
import warnings

SOCKET, MODULES = sys.argv[1], sys.argv[2:]
# What a project's notebooks were seen to import: nobody has tried how fit that is for a fork.
LEARNED = MODULES[MODULES.index("--") + 1 :] if "--" in MODULES else []
PRELOAD = [name for name in MODULES if name != "--"]

# What a kernel imports until its first cell, in it, and when it ends.
KERNEL_MODULES = """ipykernel.kernelapp ipykernel.debugger IPython.core.completerlib IPython.core.debugger
IPython.core.logger IPython.core.oinspect IPython.extensions.storemagic IPython.utils.wildcard comm encodings.ascii
encodings.idna encodings.latin_1 faulthandler psutil pydoc resource sqlite3 tornado.platform.asyncio""".split()

# Variables that C code reads at its start, or when a library is loaded: nobody sees it read them.
READ_BY_C = (
    "PYTHON", "LD_", "LC_", "LANG", "GLIBC_TUNABLES", "MALLOC_", "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "BLIS_",
    "MKL_", "VECLIB_", "ARROW_", "JE_ARROW_", "CUDA_", "NVIDIA_", "OPENSSL_", "SSL_", "NUMEXPR_", "NPY_", "NUMPY_",
)
# Its place in this process's memory is kept for the kernel's own value, see mark.
MARK = "QUIRE_EXECUTION_ID"
MARK_LENGTH = 64

MAX_REQUEST = 8 << 20
MAX_KEEPERS = 256
MAX_NAMESPACES = 4
REQUEST_TIMEOUT = 1.0  # seconds for a request to be there in full
ENVIRONMENT_CHANGED = 3  # a keeper's exit status
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36


# --- importing -------------------------------------------------------------


class WatchedEnviron(os._Environ):
    """os.environ that keeps the names of what is read from it."""

    read = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)


def children():
    """The ids of this process's children, whichever of its threads has them."""
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as f:
                found += [int(pid) for pid in f.read().split()]
        except OSError:
            pass  # it has ended just now, and another one has them
    return found


def tasks():
    return len(os.listdir("/proc/self/task"))


def dummy_fork():
    """Lets libraries end their threads, as OpenBLAS does at each fork."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of a fork beside threads
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def state():
    """What an import must not change, for a later import in a kernel would not change it again."""
    if tasks() > 1:
        dummy_fork()
    return {
        "threads": tasks(),
        "descriptors": sorted(os.listdir("/proc/self/fd")),
        "child processes": children(),
        "working directory": os.getcwd(),
        "sys.path": list(sys.path),
        "signal handlers": [signal.getsignal(n) for n in signal.valid_signals()],
        "hooks": [sys.excepthook, sys.displayhook, sys.unraisablehook, sys.gettrace(), sys.getprofile()],
        "locale": locale.setlocale(locale.LC_ALL),
    }


# What no import before a fork may do. The rest a notebook would only see too early.
UNSAFE = "threads", "descriptors", "child processes"


def settings():
    """What an import must not change for notebooks that do without it."""
    logging, asyncio, matplotlib, numpy, pandas = map(sys.modules.get, ["logging", "asyncio.events", "matplotlib", "numpy", "pandas"])
    return {
        "logging": logging and [logging.root.level, *logging.root.handlers],
        "the event loop's policy": asyncio and [getattr(asyncio, "_event_loop_policy", None)],
        "matplotlib's settings": matplotlib and list(dict.items(matplotlib.rcParams)),
        "numpy's settings": numpy and [numpy.get_printoptions(), numpy.geterr()],
        "pandas": pandas and sorted(getattr(pandas.DataFrame, "_accessors", [])),
    }


class Onlooker:
    """Sees whether an import asks for IPython's shell: a cold kernel has one by then."""

    def __enter__(self):
        from IPython.core.interactiveshell import InteractiveShell

        self.asked, self.shell = False, InteractiveShell
        InteractiveShell.initialized = self.ask
        builtins.__IPYTHON__, builtins.get_ipython = True, self.refuse
        return self

    def __exit__(self, *_):
        del self.shell.initialized, builtins.__IPYTHON__, builtins.get_ipython

    def ask(self):
        self.asked = True
        return False

    def refuse(self):
        self.ask()
        raise NameError("name 'get_ipython' is not defined")


def preload_learned(name):
    """Imports a module that a project's notebooks import, and returns what speaks against that, or None."""
    before, out = settings(), io.StringIO()
    references = sys.getrefcount(out)
    with Onlooker() as onlooker:
        why = preload(name, out=out)
    if why:
        return why
    if onlooker.asked:
        return "asks for IPython"
    if sys.getrefcount(out) > references:
        gc.collect()  # or it is kept by what is not needed any more
    if sys.getrefcount(out) > references:
        return "keeps the standard output"
    after = settings()
    return next((f"changes {what}" for what, value in before.items() if value and value != after[what]), None)


def preload(name, of_kernel=False, out=None):
    """Imports a module and returns what speaks against that, or None. A cold kernel
    imports its own modules as early, so that only what is unsafe speaks against them."""
    before, out = state(), out or io.StringIO()
    stdout, stderr, sys.stdout, sys.stderr = sys.stdout, sys.stderr, out, out
    start = time.monotonic()
    try:
        importlib.import_module(name)
    except BaseException as e:  # it may be absent, or broken: then the cell that imports it shows that
        # Of a learned module any part may be absent: then it was the project's own.
        absent = [name.rsplit(".", n)[0] for n in range(name.count(".") + 1)] if name in LEARNED else [name.partition(".")[0]]
        if name not in sys.modules and isinstance(e, ModuleNotFoundError) and e.name in absent:
            return "absent"
        return f"raises {type(e).__name__}"
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        preload.took = time.monotonic() - start
    if out.tell() and not of_kernel:  # a notebook would show it
        return "prints or warns"
    after = state()
    looked_at = UNSAFE if of_kernel else before
    return next((f"changes {what}" for what in looked_at if before[what] != after[what]), None)


def given_environ():
    """The environment as it was before the interpreter and its modules added to it."""
    with open("/proc/self/environ", "rb") as f:
        return dict(os.fsdecode(entry).partition("=")[::2] for entry in f.read().split(b"\0") if b"=" in entry)


def path_times():
    """Changes when a package is installed or removed."""
    return [(p, os.stat(p).st_mtime_ns) for p in sys.path if os.path.isdir(p)]


# --- the fork server -------------------------------------------------------


class ForkServer:
    def __init__(self):
        self.given = given_environ()
        self.mark_at = ctypes.pythonapi.getenv  # the C library's, which returns the place itself
        self.mark_at.restype, self.mark_at.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
        self.mark_at = self.mark_at(MARK.encode())
        self.libc = ctypes.CDLL(None, use_errno=True)

    def load(self):
        """Imports everything. Modules with an effect are dropped, by a new start without them."""
        # Where the user's own packages are is decided by HOME before any line of this runs.
        WatchedEnviron.read.update(["HOME"] if site.ENABLE_USER_SITE else [])
        os.environ.__class__ = WatchedEnviron
        # A kernel sets this backend before matplotlib is imported. The others keep libraries from
        # starting threads; numexpr's are set right in the child, pyarrow's allocator works without.
        ours = {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "NUMEXPR_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
        }
        ours = {name: value for name, value in ours.items() if name not in os.environ}
        os.environ.update(ours)
        for name in KERNEL_MODULES:
            why = preload(name, of_kernel=True)
            if why and (why != "absent" or name == KERNEL_MODULES[0]):
                report(unsafe=f"{name} {why}")
                sys.exit(0)
        thread_number = threading._counter()
        of_kernel = set(sys.modules)
        fit, unfit, self.spared = [], [], 0.0
        for name in PRELOAD:
            report(importing=name)
            why = preload_learned(name) if name in LEARNED else preload(name)
            if not why:
                fit.append(name)
                self.spared += preload.took if name in LEARNED else 0
            elif why != "absent":
                unfit.append(name)
                report(dropped=name, why=why)
        if unfit:
            divided = [*(n for n in fit if n not in LEARNED), "--", *(n for n in fit if n in LEARNED)]
            os.execve(sys.executable, [sys.executable, __file__, SOCKET, *divided], self.given)
        self.preloaded = fit
        # A notebook may have one of its own under such a name.
        self.tops = {name.partition(".")[0] for name in sys.modules.keys() - of_kernel} - of_kernel
        threading._counter = itertools.count(thread_number).__next__  # threads' names are as without them
        os.environ.__class__ = os._Environ
        self.read = WatchedEnviron.read - {MARK}
        for name in ours:
            del os.environ[name]
        # What the interpreter and imports have set: a cold kernel would set it too.
        self.added = {k: v for k, v in os.environ.items() if k not in self.given}
        self.path_times = path_times()
        patch_ipykernel()
        self.prebuilt = Prebuilt.attempt(self.given)

    def serve(self):
        """Returns in each kernel, with its request; in the fork server never."""
        gc.collect()
        gc.freeze()
        dummy_fork()
        if tasks() != 1:
            report(unsafe="threads are left after all imports")
            sys.exit(0)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(SOCKET)
        listener.listen(64)
        listener.setblocking(False)
        report(ready=self.preloaded, spared=self.spared)
        keepers = {}  # pidfd to pid
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(listener, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == 0:  # nobody writes to it: this is its end
                    self.end()
                elif fd == listener.fileno():
                    request = self.accept(listener, poll, keepers)
                    if request:
                        return request
                else:
                    poll.unregister(fd)
                    _, status = os.waitpid(keepers.pop(fd), 0)
                    os.close(fd)
                    if os.waitstatus_to_exitcode(status) == ENVIRONMENT_CHANGED:
                        self.end()

    def end(self):
        folder = os.path.dirname(SOCKET)
        if os.path.basename(folder).startswith("quire-warm-"):  # its own, which nobody else may be there to remove
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)
        os._exit(0)

    def accept(self, listener, poll, keepers):
        try:
            connection, _ = listener.accept()
        except OSError:
            return None  # it has hung up
        try:
            pid = os.fork() if len(keepers) < MAX_KEEPERS else None
        except OSError:
            pid = None  # there are no processes left: the kernel starts cold, if it can
        if pid == 0:
            listener.detach()  # or the object's end would close a descriptor that is another's by then
            return Keeper(self, connection).keep()
        connection.close()
        if pid:
            pidfd = os.pidfd_open(pid)
            keepers[pidfd] = pid
            poll.register(pidfd, select.POLLIN)
        return None

    def refusal(self, env, cwd):
        """Why a kernel with this environment and folder cannot come from here, or None."""
        for name in self.given.keys() | env.keys():
            fixed = name in self.read or name.startswith(READ_BY_C)
            if fixed and name != MARK and self.given.get(name) != env.get(name):
                return f"{name} is read before the fork"
        shadow = own_module(cwd, self.tops)
        return shadow and f"the notebook's folder has a module {shadow}"


def own_module(folder, names):
    """A module in the folder that has one of the names, or None. A package without __init__ comes after all others."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return None
    suffixes = importlib.machinery.all_suffixes()
    for entry in entries:
        name, dot, suffix = entry.partition(".")
        if name in names and (dot + suffix in suffixes or not dot and any(os.path.exists(f"{folder}/{name}/__init__{s}") for s in suffixes)):
            return name
    return None


def report(**event):
    os.write(1, json.dumps(event).encode() + b"\n")


def patch_ipykernel():
    """Spares kernels what has no effect but to take time."""
    from ipykernel import ipkernel, kernelapp, kernelbase

    app, kernel, base = kernelapp.IPKernelApp, ipkernel.IPythonKernel, kernelbase.Kernel
    start, init, process_children = app.start, kernel.__init__, getattr(base, "_process_children", None)
    modules = ModuleFiles()

    def start_and_stop(self):
        """Ends the control thread before the interpreter's exit ends the iopub
        thread, whose answer the control thread would wait for, 10 seconds long."""
        try:
            start(self)
        finally:
            thread = self.control_thread
            if thread and thread.is_alive():
                thread.stop()
                thread.join(timeout=2)

    def init_with_files(self, **kwargs):
        ipkernel.sys = modules
        try:
            init(self, **kwargs)
        finally:
            ipkernel.sys = sys

    def process_children_if_any(self):
        """psutil would look at every process of the machine."""
        return process_children(self) if children() else []

    app.start, kernel.__init__ = start_and_stop, init_with_files
    if process_children:
        base._process_children = process_children_if_any


class File:
    __slots__ = ("__file__",)

    def __init__(self, name):
        self.__file__ = (name + " ")[:-1]  # a new string, beside the others


class ModuleFiles:
    """Stands in for the module sys while ipykernel notes each module's file.
    To take these from the modules writes reference counts all over the memory,
    and each page that is written to is copied: here they lie together."""

    def __init__(self):
        known = [m.__file__ for m in sys.modules.copy().values() if getattr(m, "__file__", None)]
        self.files, self.count = [File(name) for name in known], len(sys.modules)

    def __getattr__(self, name):
        return getattr(sys, name)

    @property
    def modules(self):
        return self

    def copy(self):
        return self

    def values(self):
        since = itertools.islice(reversed(sys.modules.values()), max(0, len(sys.modules) - self.count))
        return itertools.chain(self.files, since)


# --- the shell -------------------------------------------------------------


class Prebuilt:
    """IPython's application and shell, as far as they are the same for every kernel
    that nobody has configured. What looks at the process that it is made in is left
    out, and made in the kernel in its place. A kernel that has a configuration, or other
    variables than were read here, makes both by itself."""

    OPTIONS = ["--HistoryManager.hist_file=:memory:"]  # Quire's, beside -f FILE
    # Steps of InteractiveShell.__init__, in its order. What the first sets is read by others, so that it comes here too.
    STEPS = """init_environment init_virtualenv save_sys_module_state init_sys_modules init_history
    init_encoding init_user_ns init_builtins init_prompts""".split()

    @classmethod
    def attempt(cls, given):
        """Returns None where the versions are not those that were looked at, or anything is as it was not with them."""
        import ipykernel
        import IPython

        if IPython.version_info[0] != 9 or ipykernel.version_info[0] != 7:
            return None
        before, environ, register, excepthook = state(), dict(os.environ), atexit.register, sys.excepthook
        WatchedEnviron.read = set()
        os.environ.__class__ = WatchedEnviron
        try:
            made = cls(given)
        except BaseException:  # an application refuses by sys.exit
            made = None
        os.environ.__class__ = os._Environ
        for name in os.environ.keys() - environ.keys():
            del os.environ[name]
        os.environ.update(environ)
        atexit.register, sys.excepthook = register, excepthook
        cls.classes()[0].clear_instance()
        return made if before == state() else None

    @staticmethod
    def classes():
        from ipykernel.kernelapp import IPKernelApp
        from ipykernel.zmqshell import ZMQInteractiveShell

        return IPKernelApp, ZMQInteractiveShell

    def __init__(self, given):
        from IPython.core.application import BaseIPythonApplication

        application, shell = self.classes()
        self.given, self.exits = given, []
        atexit.register = lambda *call: self.exits.append(call)
        self.app = application.instance()
        self.app.load_config_file = self.refuse_configuration
        BaseIPythonApplication.initialize(self.app, ["-f", "", *self.OPTIONS])
        del self.app.load_config_file
        if "session" in self.app._trait_values:
            raise ValueError("it has an id, which is to be each kernel's own")
        left_out = {name: shell.__dict__.get(name) for name in self.STEPS[1:]}
        for name in left_out:
            setattr(shell, name, lambda _: None)
        try:
            self.shell = shell(parent=self.app, profile_dir=self.app.profile_dir, **self.same())
        finally:
            for name, own in left_out.items():
                setattr(shell, name, own) if own else delattr(shell, name)
        self.read = WatchedEnviron.read - {MARK}

    @staticmethod
    def same():
        """What each kernel gives its shell."""
        from ipykernel.compiler import XCachingCompiler

        return {"user_module": None, "user_ns": None, "compiler_class": XCachingCompiler}

    def refuse_configuration(self):
        if self.is_configured():  # whose code is not to run before the fork
            raise ValueError("it is not the same for every kernel")
        type(self.app).load_config_file(self.app)

    def is_configured(self):
        names = [f"{name}.{kind}" for name in ("ipython_config", "ipython_kernel_config") for kind in ("py", "json")]
        return any(os.path.lexists(os.path.join(folder, name)) for folder in self.app.config_file_paths for name in names)

    def fits(self, env, options):
        return (
            options[:1] == ["-f"]
            and options[2:] == self.OPTIONS
            and all(self.given.get(name) == env.get(name) for name in self.read)
            and os.path.isdir(self.app.profile_dir.location)
            and not self.is_configured()
        )

    def offer(self):
        """Has the launcher find the application, and the kernel the shell."""
        from IPython.core.application import BaseIPythonApplication

        application, shell = self.classes()
        initialize = BaseIPythonApplication.initialize

        def resume(app, argv=None):
            BaseIPythonApplication.initialize = initialize
            app.argv = sys.argv[1:]
            app.init_crash_handler()
            for config in app.config, app.cli_config:
                config.IPKernelApp.connection_file = sys.argv[2]
            app.connection_file = sys.argv[2]

        def instance(**given):
            del shell.instance
            same = {"profile_dir": self.app.profile_dir, **self.same()}
            if any(given.get(name) is not value for name, value in same.items()):
                return shell.instance(**given)
            return self.complete(given["parent"], given["kernel"])

        BaseIPythonApplication.initialize, shell.instance = resume, instance
        for c in application._walk_mro():
            c._instance = self.app

    def complete(self, parent, kernel):
        shell = self.shell
        shell.parent, shell.kernel, shell.starting_dir = parent, kernel, os.getcwd()
        for step in self.STEPS:
            getattr(shell, step)()
            if step == "init_history":
                shell.configurables.insert(1, shell.configurables.pop())
        shell.sys_excepthook = sys.excepthook
        for call in self.exits:
            atexit.register(*call)
        for c in type(shell)._walk_mro():
            c._instance = shell
        return shell


# --- the keeper ------------------------------------------------------------


class Keeper:
    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        null = os.open("/dev/null", os.O_RDWR)
        for fd in 0, 1, 2:
            os.dup2(null, fd)
        close_all_but(connection.fileno())
        os.setsid()
        self.in_user_namespace = False
        self.call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # the kernel's orphans come to us, so that they can be ended

    def keep(self):
        """Returns in the kernel, with its request; in the keeper never."""
        try:
            request, fds = self.receive()
            why = self.server.refusal(request["env"], request["cwd"])
            if path_times() != self.server.path_times:
                self.tell(cold="packages have been installed or removed")
                os._exit(ENVIRONMENT_CHANGED)
            if why:
                self.tell(cold=why)
                os._exit(0)
            wait, go = os.pipe()
            keeper = os.getpid()
            kernel = os.fork()
            if kernel == 0:
                return self.begin(keeper, wait, go, fds) or request
            for fd in [wait, *fds]:
                os.close(fd)
            self.watch(kernel, go)
        except Exception as e:
            self.tell(cold=f"{type(e).__name__} in the keeper")
        os._exit(0)

    def receive(self):
        self.connection.settimeout(REQUEST_TIMEOUT)
        data, fds, _, _ = socket.recv_fds(self.connection, 1 << 16, 3 + MAX_NAMESPACES)
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            more = self.connection.recv(1 << 16)
            if not more or len(data) > MAX_REQUEST:
                os._exit(0)
            data += more
        self.connection.settimeout(None)
        if len(fds) < 3:
            raise ValueError("descriptors")
        return json.loads(data[4:]), fds

    def tell(self, *fds, **answer):
        try:
            socket.send_fds(self.connection, [json.dumps(answer).encode() + b"\n"], fds)
        except OSError:
            pass  # who asked is gone, which poll shows as well

    def begin(self, keeper, wait, go, fds):
        """The first steps of the kernel: nothing of the keeper's is left to it."""
        try:
            os.setsid()
            os.close(go)
            if not os.read(wait, 1):  # limits are put on this process meanwhile
                os._exit(1)
            for fd, given in enumerate(fds[:3]):
                os.dup2(given, fd)
            for namespace in fds[3:]:
                self.enter(namespace)
            if self.in_user_namespace:
                self.drop_capabilities()
            self.call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)
            self.connection.detach()
            close_all_but()
        except BaseException as e:  # the keeper's code, above this, must not go on here
            os.write(2, f"{e!r}\n".encode())
            os._exit(1)

    def call(self, name, *arguments):
        if getattr(self.server.libc, name)(*arguments):
            raise OSError(ctypes.get_errno(), name)

    def enter(self, namespace):
        user = "/proc/self/ns/user"
        before = os.stat(user)
        if not os.path.samestat(os.fstat(namespace), before):  # nobody may enter their own user namespace
            self.call("setns", namespace, 0)
            self.in_user_namespace |= not os.path.samestat(os.stat(user), before)

    def drop_capabilities(self):
        """Does what an exec would do, after a user namespace has given all of them."""
        version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
        self.call("capset", version_3, (ctypes.c_uint32 * 6)())
        self.call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)

    def watch(self, kernel, go):
        """Reports the kernel's end and ends what it leaves, or all of it when the connection ends."""
        pidfd = os.pidfd_open(kernel)
        self.tell(pidfd, pid=kernel)
        if self.connection.recv(1):
            os.write(go, b"g")
            os.close(go)
            poll = select.poll()
            poll.register(self.connection, select.POLLIN)
            poll.register(pidfd, select.POLLIN)
            if any(fd == pidfd for fd, _ in poll.poll()):
                # It is not reaped before the connection ends: its id stays its own until then.
                end = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
                exited = end.si_code == os.CLD_EXITED
                kill(-kernel)
                self.tell(code=end.si_status if exited else -1, signal=0 if exited else end.si_status)
                self.connection.recv(1)
        while True:  # the children of what ends here become ours
            for pid in children():
                kill(pid)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                os._exit(0)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it has no group of its own yet, or is another user's


def close_all_but(*keep):
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        if fd > 2 and fd not in keep:
            try:
                os.close(fd)
            except OSError:
                pass  # it was the listing's own


# --- the kernel ------------------------------------------------------------


def become_kernel(server, request):
    """Makes the process what a new interpreter would be, then runs the launcher."""
    mark(server, request["env"])
    env = server.added | request["env"]
    os.environ.clear()
    os.environb.update({k.encode(): v.encode() for k, v in env.items()})
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    time.tzset()
    reset_modules()
    if request.get("waits"):
        HandOver(server, request["env"]).prepare()
    argv = request["argv"]
    sys.orig_argv = argv
    sys.argv = [importlib.util.find_spec("ipykernel_launcher").origin, *argv[3:]]
    if server.prebuilt and server.prebuilt.fits(request["env"], argv[3:]):
        server.prebuilt.offer()
    gc.enable()
    try:
        runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)
        exiting.update(pid=os.getpid(), code=0)
    except SystemExit as e:
        if e.code is None or isinstance(e.code, int):
            exiting.update(pid=os.getpid(), code=(e.code or 0) & 0xFF)
        raise


class HandOver:
    """Makes a kernel that has started for nobody the kernel of a job, before
    the job's first cell: by one message, which tells its environment and folder.
    What it has read of its environment meanwhile must be the job's own."""

    REQUEST = "quire_hand_over_request"

    def __init__(self, server, env):
        self.server, self.env = server, env
        self.before = dict(os.environ)

    def prepare(self):
        from ipykernel.kernelapp import IPKernelApp

        os.environ.__class__ = WatchedEnviron
        start = IPKernelApp.start

        def start_and_listen(app):
            self.app = app
            os.environ.__class__ = os._Environ
            self.set = {k: v for k, v in os.environ.items() if self.before.get(k) != v}
            app.shell.run_cell("pass", silent=True, store_history=False)  # what a first cell does once
            app.kernel.shell_handlers[self.REQUEST] = self.handle
            IPKernelApp.start = start
            return start(app)

        WatchedEnviron.read.clear()
        IPKernelApp.start = start_and_listen

    async def handle(self, stream, ident, parent):
        kernel = self.app.kernel
        del kernel.shell_handlers[self.REQUEST]
        try:
            why = self.refusal(parent["content"]["env"], parent["content"]["cwd"])
            if not why:
                self.become(**parent["content"])
        except Exception as e:
            why = type(e).__name__
        kernel.session.send(stream, "quire_hand_over_reply", {"status": "error" if why else "ok", "evalue": why or ""}, parent, ident)

    def refusal(self, env, cwd):
        shell = self.app.shell
        if self.app.loaded_config_files or self.app.exec_lines or self.app.exec_files or self.app.code_to_run:
            return "IPython is configured"
        if any(name.endswith((".py", ".ipy")) for name in os.listdir(shell.profile_dir.startup_dir)):
            return "IPython has startup files"
        if path_times() != self.server.path_times:
            return "packages have been installed or removed"
        before = self.server.prebuilt.read if self.server.prebuilt else set()
        for name in (WatchedEnviron.read | before) - {MARK}:
            if self.env.get(name) != env.get(name):
                return f"{name} is read before the hand-over"
        return self.server.refusal(env, cwd)

    def become(self, env, cwd, umask):
        mark(self.server, env)
        want = self.server.added | env | self.set
        for name in os.environ.keys() - want.keys():
            del os.environ[name]
        for name, value in want.items():
            if os.environ.get(name) != value:
                os.environb[name.encode()] = value.encode()
        os.umask(umask)
        os.chdir(cwd)
        time.tzset()
        reset_modules()
        shell = self.app.shell
        shell.starting_dir = os.getcwd()
        shell.history_manager.dir_hist[:] = [pathlib.Path.cwd()]


exiting = {}  # the kernel's process and exit status, once it has come to its end


def finish():
    """Ends the process after the last atexit handler. An interpreter would now take all its objects apart, those of
    the fork server too, whose pages it would have to copy for that. What a notebook can see of it is done here."""
    if not quick_exit or exiting.get("pid") != os.getpid():
        return
    gc.collect()
    for o in gc.get_objects():  # those from before the fork are not among them
        if isinstance(o, io.IOBase) and not o.closed:
            try:
                o.flush()
            except Exception:
                pass  # as it is ignored in a finalizer
    for stream in sys.__stdout__, sys.__stderr__:
        stream.flush()
    ctypes.PyDLL(None).exit(exiting["code"])  # with C's own handlers, and no Python thread beside them


def mark(server, env):
    """Writes the execution's id over its place in /proc/PID/environ, by which
    what belongs to an execution is found."""
    value = env.get(MARK, "").encode()[:MARK_LENGTH]
    if server.mark_at:
        ctypes.memmove(server.mark_at, value.ljust(MARK_LENGTH, b"\0"), MARK_LENGTH)


def reset_modules():
    """Resets what modules have taken from this process when they were imported.
    Python itself reseeds `random`, and renews its locks and its main thread."""
    threading.main_thread()._set_native_id()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random:
        numpy_random.seed()
    process = sys.modules.get("multiprocessing.process")
    if process:
        process.ORIGINAL_DIR = os.getcwd()
        process.current_process().authkey = os.urandom(32)
    tempfile = sys.modules.get("tempfile")
    if tempfile:
        tempfile.tempdir = None
    logging = sys.modules.get("logging")
    if logging:
        logging._startTime = time.time() if isinstance(logging._startTime, float) else time.time_ns()
    numexpr = sys.modules.get("numexpr")
    if numexpr:
        numexpr.nthreads = numexpr.utils._init_num_threads()


def main():
    # The script's own folder would be on the path of every import.
    if sys.path and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]
    server = ForkServer()
    server.load()
    request = server.serve()
    become_kernel(server, request)


main()

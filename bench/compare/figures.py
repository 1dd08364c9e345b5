"""The figures: what is measured, of whom, and what is promised."""

import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import memory
import notebooks
from peers import finish
from server import RUNNING, Client

# figure: what the peers' value is to be of Quire's, at least; of notebooks a
# minute, the other way round.
PROMISES = {
    ("first output, forked", "papermill"): 20, ("first output, forked", "jupyter execute"): 20,
    ("first output, ready", "papermill"): 60, ("first output, ready", "jupyter execute"): 60,
    ("one cell, a minute", "jupyter execute"): 15, ("one cell, a minute", "nbclient"): 8,
    ("pandas, a minute", "jupyter execute"): 10, ("pandas, a minute", "nbclient"): 6,
    ("memory", "jupyter execute"): 2,
    ("per cell", "nbclient"): 1,
    ("lines", "nbclient"): 1,
    ("display", "nbclient"): 2, ("display, memory", "nbclient"): 2,
}


class Bench:
    """Takes the figures. One that could not be taken is not there."""

    def __init__(self, server, ready, peers, rounds, short):
        """ready is a server like the other that keeps kernels ready."""
        self.server, self.ready, self.peers, self.rounds, self.short = server, ready, peers, rounds, short
        self.clients = 8
        self.client = Client(server)
        self.values = {}

    def measure(self):
        """Returns {figure: {who: value}} of medians, in ms, MiB or notebooks a minute."""
        steps = [self.first_output, self.done, self.throughput, self.per_cell]
        if not self.short:
            steps += [self.environment, self.lines, self.display, self.memory]
        for step in steps:
            start = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        return {figure: {who: statistics.median(values) for who, values in of.items()} for figure, of in self.values.items()}

    def note(self, figure, who, value):
        self.values.setdefault(figure, {}).setdefault(who, []).append(value)

    def first_output(self):
        peers = self.peers.all()
        for peer in peers.values():
            peer.run("clock")  # what is compiled and cached is there from here on
        theirs = {}
        for _ in range(self.rounds):
            for client in (self.client, Client(self.ready)):
                for _ in range(3):  # each of them takes no time beside a peer's
                    kind, seconds = client.first_output("clock")
                    self.note(f"first output, {kind}", "quire", 1000 * seconds)
            for name, peer in peers.items():
                theirs.setdefault(name, []).append(1000 * peer.first_output("clock"))
        for figure in list(self.values):
            self.values[figure] |= theirs

    def environment(self):
        """A project's first execution, in an environment that another project has declared before."""
        if self.server.quire("env", "list") is None:
            print("this quire has no environments", file=sys.stderr)
            return
        files = ["clock.ipynb", "requirements.txt"]
        before = self.server.new_project("before", files)
        self.server.until(lambda: self.client.first_output("clock", before)[0] not in ("built", "cold"))
        for i in range(3 * self.rounds):
            kind, seconds = self.client.first_output("clock", self.server.new_project(f"after-{i}", files))
            self.note(f"environment, {kind}", "quire", 1000 * seconds)

    def done(self):
        for _ in range(self.rounds):
            for _ in range(3):
                self.note("done", "quire", 1000 * self.client.run("one"))
            for name, peer in self.peers.all().items():
                self.note("done", name, 1000 * peer.run("one"))

    def throughput(self):
        for figure, notebook in {"one cell, a minute": "one", "pandas, a minute": "pandas"}.items():
            self.burst(notebook, self.clients)
            for _ in range(1 if self.short else self.rounds):
                self.note(figure, "quire", self.burst(notebook, 5 * self.clients))
                self.note(figure, "jupyter execute", self.commands(notebook, 4, 2))
                self.note(figure, "nbclient", self.nbclient(notebook, 8, 4))

    def burst(self, notebook, count):
        """Returns how many notebooks a minute the clients bring through the API together."""
        local = threading.local()

        def one(_):
            if not hasattr(local, "client"):
                local.client = Client(self.server)
            local.client.run(notebook)

        return self.rate(count, self.clients, one)

    def commands(self, notebook, count, at_a_time):
        command = self.peers.commands["jupyter execute"]
        return self.rate(count, at_a_time, lambda i: finish(command.start(notebook, f"out{i}")))

    def nbclient(self, notebook, count, at_a_time):
        return 60 * count / self.peers.nbclient.ask(notebook, count, at_a_time)["seconds"]

    @staticmethod
    def rate(count, at_a_time, one):
        with ThreadPoolExecutor(at_a_time) as pool:
            start = time.perf_counter()
            list(pool.map(one, range(count)))
            return 60 * count / (time.perf_counter() - start)

    def per_cell(self):
        runners = {"quire": self.client} | self.peers.all()
        if self.short:
            runners = {name: runners[name] for name in ("quire", "nbclient")}
        for _ in range(self.rounds):
            for name, runner in runners.items():
                one, many = runner.run("one"), runner.run("many")
                self.note("per cell", name, 1000 * (many - one) / (notebooks.CELLS - 1))

    def lines(self):
        for _ in range(self.rounds):
            for name, runner in ({"quire": self.client} | self.peers.all()).items():
                self.note("lines", name, 1000 * runner.run("lines"))

    def display(self):
        for _ in range(self.rounds):
            seconds, grown = self.watched_run("display")
            self.note("display", "quire", 1000 * seconds)
            self.note("display, memory", "quire", grown)
            # Not papermill, which has no way to wait longer for such a message than 4 seconds.
            self.note("display", "jupyter execute", 1000 * self.peers.commands["jupyter execute"].run("display"))
            answer = self.peers.fresh("display")
            self.note("display", "nbclient", 1000 * answer["seconds"])
            self.note("display, memory", "nbclient", answer["peak"])

    def watched_run(self, notebook):
        """Returns the time, and the MiB that the executor had at most plus those by which the server grew."""
        before = memory.peak(self.server.process.pid)
        most, over = 0, threading.Event()

        def look():
            nonlocal most
            executor = None
            while not over.is_set():
                executor = executor or memory.executor_of(self.server)
                if executor:
                    most = max(most, memory.peak(executor))
                over.wait(0.005)

        looking = threading.Thread(target=look)
        looking.start()
        seconds = self.client.run(notebook)
        over.set()
        looking.join()
        return seconds, most + memory.peak(self.server.process.pid) - before

    def memory(self):
        for _ in range(3):
            self.note("memory", "quire", memory.of_executions(self.server, self.client, "wait", RUNNING))
        self.note("memory", "jupyter execute", memory.of_peers(self.peers.commands["jupyter execute"], self.server.work, "wait", RUNNING))

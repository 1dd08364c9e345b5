"""papermill, jupyter execute, and nbclient in a process that is warm."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent


class Command:
    """A peer's command for one notebook."""

    def __init__(self, work, name, *args):
        self.work, self.name, self.args = work, name, args

    def command(self, notebook, out):
        paths = {"in": self.work / f"{notebook}.ipynb", "out": out}
        return [str(BIN / self.args[0]), *(arg.format(**paths) for arg in self.args[1:])]

    def start(self, notebook, out="out"):
        return subprocess.Popen(self.command(notebook, self.work / f"{out}.ipynb"), cwd=self.work,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run(self, notebook):
        """Returns the seconds from the command's start to its exit."""
        start = time.perf_counter()
        finish(self.start(notebook))
        return time.perf_counter() - start

    def first_output(self, notebook):
        """Returns the seconds from the command's start to the moment that the cell printed."""
        start = time.time()
        finish(self.start(notebook))
        return printed(self.work / "out.ipynb") - start


def finish(process):
    _, errors = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{process.args}: exit status {process.returncode}\n{errors.decode()[-2000:]}")


def printed(path):
    return float(json.loads(path.read_text())["cells"][0]["outputs"][0]["text"][0])


class NBClient:
    """A process that has imported nbclient and runs what it is told to."""

    def __init__(self, work):
        self.work = work
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("nbclient_peer.py")], cwd=work, text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, notebook, count=1, at_a_time=1):
        print(json.dumps([f"{notebook}.ipynb", count, at_a_time]), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def run(self, notebook):
        return self.ask(notebook)["seconds"]

    def first_output(self, notebook):
        start = time.time()
        self.ask(notebook)
        return printed(self.work / "nbclient.ipynb") - start

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


class Peers:
    """All peers. The process of nbclient ends with the block."""

    def __init__(self, work):
        self.work = work
        self.commands = {
            "papermill": Command(work, "papermill", "papermill", "--no-progress-bar", "{in}", "{out}"),
            "jupyter execute": Command(work, "jupyter execute", "jupyter-execute", "--NotebookClient.iopub_timeout=60", "--output={out}", "{in}"),
        }

    def __enter__(self):
        self.nbclient = NBClient(self.work)
        return self

    def __exit__(self, *_):
        self.nbclient.close()

    def fresh(self, notebook):
        """Returns what nbclient needs in a process that has run nothing before."""
        other = NBClient(self.work)
        try:
            return other.ask(notebook)
        finally:
            other.close()

    def all(self):
        return self.commands | {"nbclient": self.nbclient}

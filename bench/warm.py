"""Measures how long a notebook waits for its kernel, forked and cold, and what
a kernel weighs.

Three servers run side by side, with kernels kept ready, with none (--ready 0)
and with --cold, and take turns, so that a busy moment of the machine hits both. Times are from the request's sending to
the event's own time in the execution's journal; memory is the proportional set
size of kernels that wait in a cell, their keepers included. Prints a Markdown
table; run it by `make bench-warm`.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUIRE = os.environ.get("QUIRE_BIN", str(ROOT / "bin" / "quire"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
PAUSE = float(os.environ.get("BENCH_PAUSE", "1"))  # in which a slot is filled again
KERNELS = int(os.environ.get("BENCH_KERNELS", "8"))


def notebook(*sources):
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [], "source": s}
        for i, s in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


PANDAS = "import pandas as pd\ndf = pd.DataFrame({'a': range(1000)})\nprint(df.a.rolling(3).mean().sum())"
NOTEBOOKS = {
    "one cell": notebook("print('hello')"),
    "pandas": notebook(PANDAS),
}
WAITING = notebook(PANDAS + "\nimport os, time\nprint(os.getpid(), os.getppid())\nwhile not os.path.exists('go'): time.sleep(0.05)")


def timestamp(text):
    return datetime.fromisoformat(text.rstrip("Z")[:26] + "+00:00").timestamp()


class Server:
    def __init__(self, work, *flags):
        work.mkdir()
        self.data, address = work / "data", work / "address"
        self.log = open(work / "log", "wb")
        self.process = subprocess.Popen(
            [QUIRE, "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--python", sys.executable,
             "--max-running", str(max(4, KERNELS)), "--address-file", address, *flags],
            stdout=self.log, stderr=subprocess.STDOUT)
        warm = "--cold" not in flags
        for _ in range(600):
            if address.exists() and (not warm or b"kernels are warm" in (work / "log").read_bytes()):
                break
            time.sleep(0.1)
        else:
            sys.exit("the server did not start:\n" + (work / "log").read_text())
        self.address = "http://" + address.read_text().strip()
        self.token = (self.data / "token").read_text().strip()
        env = os.environ | {"QUIRE_ADDRESS": address.read_text().strip(), "QUIRE_TOKEN": self.token}
        created = subprocess.check_output([QUIRE, "project", "create", "bench", "-o", "json"], env=env)
        self.project = json.loads(created)["id"]
        for name, text in {**NOTEBOOKS, "waiting": WAITING}.items():
            (work / "nb").write_text(text)
            subprocess.check_call([QUIRE, "files", "put", "--project", self.project, work / "nb", name + ".ipynb"],
                                  env=env, stdout=subprocess.DEVNULL)

    def submit(self, name):
        before = set(os.listdir(self.data / "executions")) if (self.data / "executions").exists() else set()
        request = urllib.request.Request(
            f"{self.address}/datasphere/v2/projects/{self.project}:execute", method="POST",
            data=json.dumps({"notebookId": name + ".ipynb"}).encode(),
            headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        start = time.time()
        urllib.request.urlopen(request).read()
        (new,) = set(os.listdir(self.data / "executions")) - before
        return start, self.data / "executions" / new / "journal"

    def execute(self, name):
        """Returns seconds to the first output and to the end."""
        time.sleep(PAUSE)
        start, journal = self.submit(name)
        events = await_event(journal, "finished")
        first = next(e for e in events if "stream" in e)
        return timestamp(first["time"]) - start, timestamp(events[-1]["time"]) - start

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def await_event(journal, kind):
    while True:
        try:
            lines = journal.read_bytes().split(b"\n")
        except FileNotFoundError:
            lines = []
        events = [json.loads(line[9:]) for line in lines if line.endswith(b"}")]
        if any(kind in e for e in events):
            return events
        time.sleep(0.005)


def pss(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def memory(server):
    """Returns the MiB of each waiting kernel: its own, and its keeper's if it has one."""
    journals = [server.submit("waiting")[1] for _ in range(KERNELS)]
    outputs = [next(e["stream"]["text"] for e in await_event(j, "stream") if "stream" in e) for j in journals]
    pids = [[int(word) for word in text.split()[-2:]] for text in outputs]
    time.sleep(1)
    kernels = [pss(kernel) for kernel, _ in pids]
    parents = [pss(parent) for _, parent in pids]
    for folder in server.data.glob("projects/*"):
        (folder / "go").write_text("")
    for journal in journals:
        await_event(journal, "finished")
    for folder in server.data.glob("projects/*"):
        (folder / "go").unlink()
    return statistics.mean(kernels), statistics.mean(parents)


def main():
    # Not in /tmp: a project there cannot be given a kernel that waits.
    with tempfile.TemporaryDirectory(dir=ROOT / "bin") as folder:
        servers = {"ready": Server(Path(folder) / "ready", "--ready", "2"), "forked": Server(Path(folder) / "forked", "--ready", "0"), "cold": Server(Path(folder) / "cold", "--cold")}
        try:
            times = {}
            for name in NOTEBOOKS:
                for server in servers.values():
                    server.execute(name)
                for _ in range(ROUNDS):
                    for kind, server in servers.items():
                        times.setdefault((kind, name), []).append(server.execute(name))
            weights = {kind: memory(server) for kind, server in servers.items()}
        finally:
            for server in servers.values():
                server.stop()
    load = os.getloadavg()[0]
    print(f"Medians of {ROUNDS} (fastest in brackets), {os.cpu_count()} cores, load {load:.0f}.\n")
    print("| kernel | " + " | ".join(f"{n}: to first output, ms | {n}: to the end, ms" for n in NOTEBOOKS) +
          f" | PSS of each of {KERNELS} kernels with pandas, MiB | and of its parent |")
    print("|---" * (2 * len(NOTEBOOKS) + 3) + "|")
    for kind in servers:
        row = []
        for name in NOTEBOOKS:
            for column in zip(*times[kind, name]):
                row.append(f"{1000 * statistics.median(column):.0f} ({1000 * min(column):.0f})")
        print(f"| {kind} | " + " | ".join(row) + " | " + " | ".join(f"{w:.0f}" for w in weights[kind]) + " |")


main()

"""Measures Quire side by side with papermill and jupyter execute.

All run the same notebooks on the same kernel, in turns, so that a busy moment
of the machine hits each of them. Prints the medians as a Markdown table, with
the peers' versions (nbclient's for jupyter execute) and ratios to `quire execute
--wait`; run it by `make bench`.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUIRE = os.environ.get("QUIRE_BIN", str(ROOT / "bin" / "quire"))
PYTHON = sys.executable
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
CELLS = 200
LINES = 100_000


def notebook(*sources):
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [], "source": s}
        for i, s in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


NOTEBOOKS = {
    "one.ipynb": notebook("x = 1"),
    "many.ipynb": notebook(*(f"x = {i}" for i in range(CELLS))),
    "lines.ipynb": notebook(f"for i in range({LINES}):\n    print(i)"),
}


def run(args, **kwargs):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, args))}: exit status {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


class Server:
    """A Quire server with one project that holds the notebooks."""

    def __init__(self, work):
        address, data = work / "address", work / "data"
        self.log = open(work / "server.log", "wb")
        self.process = subprocess.Popen(
            [QUIRE, "serve", "--listen", "127.0.0.1:0", "--data", data, "--python", PYTHON, "--address-file", address],
            stdout=self.log, stderr=subprocess.STDOUT,
        )
        for _ in range(300):
            if address.exists() or self.process.poll() is not None:
                break
            time.sleep(0.1)
        if not address.exists():
            sys.exit("the server did not start:\n" + (work / "server.log").read_text())
        token = (data / "token").read_text().strip()
        self.env = os.environ | {"QUIRE_ADDRESS": address.read_text().strip(), "QUIRE_TOKEN": token}
        created = run([QUIRE, "project", "create", "bench", "-o", "json"], env=self.env)
        self.project = json.loads(created)["id"]
        for name in NOTEBOOKS:
            run([QUIRE, "files", "put", "--project", self.project, work / name, name], env=self.env)

    def execute(self, name):
        run([QUIRE, "execute", "--project", self.project, name, "--wait"], env=self.env)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def measure(tools):
    times = {(tool, name): [] for tool in tools for name in NOTEBOOKS}
    for name in NOTEBOOKS:
        for tool, execute in tools.items():
            execute(name)  # compiled files and the page cache are there from here on
        for _ in range(ROUNDS):
            for tool, execute in tools.items():
                start = time.perf_counter()
                execute(name)
                times[tool, name].append(time.perf_counter() - start)
        print(f"measured {name}", file=sys.stderr)
    return {key: statistics.median(values) for key, values in times.items()}


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, text in NOTEBOOKS.items():
            (work / name).write_text(text)
        out = work / "out.ipynb"
        bin_dir = Path(PYTHON).parent
        env = os.environ | {"PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}"}
        server = Server(work)
        try:
            medians = measure(tools := {
                "quire execute --wait": server.execute,
                "quire run": lambda name: run([QUIRE, "run", work / name, "-o", out], env=env),
                "papermill": lambda name: run([bin_dir / "papermill", "--no-progress-bar", work / name, out], env=env),
                "jupyter execute": lambda name: run([bin_dir / "jupyter-execute", f"--output={out}", work / name], env=env),
            })
        finally:
            server.stop()

    report(tools, medians)


def report(tools, medians):
    """Prints the medians, and of the peers how many times as long they take."""
    kernel, versions = version("ipykernel"), {"papermill": version("papermill"), "jupyter execute": version("nbclient")}
    print(f"Medians of {ROUNDS}, {os.cpu_count()} cores, Python {platform.python_version()}, ipykernel {kernel}.\n")
    print(f"| | one cell, ms | per cell of {CELLS}, ms | {LINES:,} lines, ms |")
    print("|---|---|---|---|")
    ours = figures(medians, "quire execute --wait")
    for tool in tools:
        name = f"{tool} ({versions[tool]})" if tool in versions else tool
        cells = [f"{value:.{digits}f} ({value / base:.1f}×)" if tool in versions else f"{value:.{digits}f}"
                 for value, base, digits in zip(figures(medians, tool), ours, (0, 1, 0))]
        print(f"| {name} | " + " | ".join(cells) + " |")


def figures(medians, tool):
    one, many, lines = (1000 * medians[tool, name] for name in NOTEBOOKS)
    return one, (many - one) / (CELLS - 1), lines


main()

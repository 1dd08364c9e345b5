"""Measures Quire side by side with papermill, jupyter execute and nbclient.

All run the same notebooks on the same kernel, in turns, so that a busy moment of
the machine hits each of them. Prints medians as a Markdown table, and what has
changed since the last run on this machine. BENCH_ROUNDS is the number of rounds.

`make bench` also writes the table into docs/performance.md, the plot beside it
and a line into bench/history.jsonl. With BENCH=short it writes nothing, measures
less, and fails where a ratio to a peer is far below what is promised.
"""

import os
import sys
import tempfile
from pathlib import Path

import history
import machine
import notebooks
import plot
import report
from figures import Bench
from peers import Peers
from server import Server

ROOT = Path(__file__).resolve().parents[2]


def main():
    short = os.environ.get("BENCH") == "short"
    rounds = int(os.environ.get("BENCH_ROUNDS", "3" if short else "15"))
    load = machine.load()
    # Not in /tmp: a kernel that is ready has a private one, and takes no notebook from there.
    with tempfile.TemporaryDirectory(dir=os.environ["QUIRE_CACHE"]) as folder:
        work = Path(folder)
        notebooks.write_all(work)
        with Server(work, "demand") as server, Server(work, "ready", "--ready", "4") as ready, Peers(work) as peers:
            bench = Bench(server, ready, peers, rounds, short)
            figures = bench.measure()
    run = machine.describe() | {"load": load, "rounds": rounds, "clients": bench.clients, "figures": figures}
    table = report.table(run)
    print(table)
    if short:
        sys.exit(report.lost(figures))
    path = ROOT / "bench" / "history.jsonl"
    print(history.difference(path, run))
    history.append(path, run)
    report.write(ROOT / "docs" / "performance.md", table)
    plot.write(ROOT / "docs" / "performance.svg", figures)
    return None


main()

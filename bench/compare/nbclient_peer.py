"""Runs notebooks by nbclient in one process, some at a time, as it is told on stdin."""

import asyncio
import json
import resource
import sys
import time

import nbformat
from nbclient import NotebookClient


async def run(path, count, at_a_time):
    slots = asyncio.Semaphore(at_a_time)

    async def one():
        async with slots:
            notebook = nbformat.read(path, as_version=4)
            await NotebookClient(notebook, kernel_name="python3", iopub_timeout=60).async_execute()
            nbformat.write(notebook, "nbclient.ipynb")

    await asyncio.gather(*(one() for _ in range(count)))


def main():
    for line in sys.stdin:
        start = time.perf_counter()
        asyncio.run(run(*json.loads(line)))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak}), flush=True)


main()

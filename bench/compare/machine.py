"""Where and on what a run was made."""

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path


def load():
    """Returns how many processes have wanted a processor in the last minute: others', before a run."""
    return round(os.getloadavg()[0], 1)


def describe():
    """Returns what a run's figures depend on, but for the load."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit(),
        "machine": {"cores": os.cpu_count(), "cpu": cpu(), "memory_gib": memory()},
        "versions": {name: version(name) for name in ("papermill", "nbclient", "ipykernel", "pandas")} | {"python": platform.python_version()},
    }


def commit():
    """Returns the commit's id, with a plus where there are changes to it."""
    def git(*args):
        return subprocess.run(["git", *args], cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()
    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) / 2**20)
    return 0

"""What executions weigh, by the proportional set size of their processes."""

import sys
import time
from pathlib import Path


def pss(pid):
    """Returns MiB; 0 for a process that has ended."""
    return status(pid, "smaps_rollup", "Pss:")


def peak(pid):
    """Returns the MiB that the process has had at most, so far."""
    return status(pid, "status", "VmHWM:")


def status(pid, file, field):
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def processes():
    """Yields each process's id, its parent's, its command and its environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            yield (int(folder.name), int(stat[stat.rindex(")") + 2:].split()[1]),
                   (folder / "cmdline").read_bytes().split(b"\0"), (folder / "environ").read_bytes().split(b"\0"))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def below(root):
    """Returns root and all that descends from it."""
    children = {}
    for pid, parent, *_ in processes():
        children.setdefault(parent, []).append(pid)
    found, rest = set(), [root]
    while rest:
        pid = rest.pop()
        found.add(pid)
        rest += children.get(pid, [])
    return found


def executor_of(server):
    """Returns the id of an executor that runs, or None."""
    data = str(server.data).encode()
    for pid, _, command, _ in processes():
        if b"executor" in command and any(arg.startswith(data) for arg in command):
            return pid
    return None


def of_executions(server, client, name, count):
    """Returns the MiB of each of count executions: executor, kernel, and its share of what they are forked from."""
    go = server.project_folder() / "go"
    ids = [client.submit(name) for _ in range(count)]
    for execution in ids:
        client.events_until(execution, "stream")
    time.sleep(1)
    marks = {f"QUIRE_EXECUTION_ID={execution}".encode() for execution in ids}
    counted = below(server.process.pid) - {server.process.pid}
    counted |= {pid for pid, _, _, env in processes() if marks & set(env)}
    total = sum(pss(pid) for pid in counted)
    go.write_text("")
    for execution in ids:
        client.wait(execution)
    go.unlink()
    return total / count


def of_peers(command, work, name, count):
    """Returns the MiB of each of count commands with its kernel."""
    started = [command.start(name, f"out{i}") for i in range(count)]
    deadline = time.monotonic() + 300
    while sum(is_kernel(args) for process in started for args in commands_below(process.pid)) < count:
        if time.monotonic() > deadline:
            sys.exit("the peers' kernels did not start")
        time.sleep(0.5)
    time.sleep(10)
    total = sum(pss(pid) for process in started for pid in below(process.pid))
    (work / "go").write_text("")
    for process in started:
        process.communicate()
    (work / "go").unlink()
    return total / count


def commands_below(root):
    inside = below(root)
    return [command for pid, _, command, _ in processes() if pid in inside]


def is_kernel(command):
    return b"ipykernel_launcher" in command

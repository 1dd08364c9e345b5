"""A Quire server, spoken to as its clients do."""

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import notebooks

ROOT = Path(__file__).resolve().parents[2]
QUIRE = os.environ.get("QUIRE_BIN", str(ROOT / "bin" / "quire"))
RUNNING = 16  # at a time, at most


class Client:
    """One client with connections that it keeps: not safe for several threads."""

    def __init__(self, server):
        self.server = server
        self.headers = {"Authorization": "Bearer " + server.token, "Content-Type": "application/json"}
        self.calls = http.client.HTTPConnection(server.address)
        self.streams = http.client.HTTPConnection(server.address)
        for connection in self.calls, self.streams:
            connection.request("GET", "/healthz")  # connected from here on
            connection.getresponse().read()

    def call(self, verb, path, body=None):
        self.calls.request(verb, path, body, self.headers)
        answer = self.calls.getresponse()
        data = answer.read()
        if answer.status != 200:
            sys.exit(f"{verb} {path}: {answer.status}\n{data.decode()}")
        return json.loads(data)

    def submit(self, name, project=None):
        """Returns the id of an execution of one of the notebooks."""
        path = f"/datasphere/v2/projects/{project or self.server.project}:execute"
        return self.call("POST", path, json.dumps({"notebookId": name + ".ipynb"}))["id"]

    def wait(self, execution):
        """Returns after the execution has succeeded, as Quire's own wait tells."""
        state = None
        while state in (None, "QUEUED", "STARTING", "RUNNING"):
            state = self.call("GET", f"/quire/v1/executions/{execution}:wait?timeout=600s")["state"]
        if state != "SUCCEEDED":
            sys.exit(f"execution {execution}: {state}")

    def run(self, name):
        """Returns the seconds from the submission to its end."""
        start = time.perf_counter()
        self.wait(self.submit(name))
        return time.perf_counter() - start

    def events(self, execution):
        """Yields the execution's events as they come."""
        path = f"/quire/v1/executions/{execution}/events"
        self.streams.request("GET", path, headers=self.headers)
        try:
            answer = self.streams.getresponse()
        except http.client.RemoteDisconnected:  # it was idle for too long
            self.streams.request("GET", path, headers=self.headers)
            answer = self.streams.getresponse()
        for line in answer:
            if line.startswith(b"data:"):
                yield json.loads(line[5:])

    def events_until(self, execution, kind):
        """Returns after an event of that kind, on a connection that is then closed."""
        for event in self.events(execution):
            if kind in event:
                break
        self.streams.close()

    def first_output(self, name, project=None):
        """Returns how the kernel was started, and the seconds to its first output.

        One whose environment was not there is no start of that kind: "built".
        """
        begin = time.perf_counter()
        kind = seen = None
        for event in self.events(self.submit(name, project)):
            kind = kind or event.get("kernelReady", {}).get("start")
            if event.get("environmentProgress", {}).get("phase") in ("resolving", "installing", "compiling"):
                kind = "built"
            if seen is None and ("stream" in event or "output" in event):
                seen = time.perf_counter() - begin
        return kind, seen


class Server:
    """A server with one project that holds the notebooks. It is ready, with what it keeps warm, once entered."""

    def __init__(self, work, name, *flags):
        self.work, self.data, self.flags = work, work / name, flags
        self.log_file = work / f"{name}.log"

    def __enter__(self):
        address = self.log_file.with_suffix(".address")
        self.log = open(self.log_file, "wb")
        self.process = subprocess.Popen(
            [QUIRE, "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--python", sys.executable,
             "--max-running", str(RUNNING), "--address-file", address, *self.flags],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.until(address.exists)
        self.address, self.token = address.read_text().strip(), (self.data / "token").read_text().strip()
        self.project = self.new_project("bench", [f"{name}.ipynb" for name in notebooks.SOURCES])
        client = Client(self)
        self.until(lambda: client.first_output("clock")[0] != "cold")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()

    def quire(self, *args):
        """Returns what a command prints, None where it fails."""
        env = os.environ | {"QUIRE_ADDRESS": self.address, "QUIRE_TOKEN": self.token}
        done = subprocess.run([QUIRE, *args], env=env, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def new_project(self, name, files):
        """Returns the id of a new project that holds files of the work folder."""
        project = json.loads(self.quire("project", "create", name, "-o", "json"))["id"]
        for file in files:
            self.quire("files", "put", "--project", project, str(self.work / file), file)
        return project

    def until(self, condition):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            if condition():
                return
            time.sleep(0.1)
        sys.exit("the server is not ready:\n" + self.log_file.read_text())

    def project_folder(self):
        return self.data / "projects" / self.project

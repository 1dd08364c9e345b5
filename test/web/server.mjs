// A server of the test's own, with a data folder of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { watch } from "node:fs/promises";

const root = fileURLToPath(new URL("../..", import.meta.url));

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run make test`);
  return value;
}

export async function startServer(more = []) {
  const work = mkdtempSync(join(tmpdir(), "quire-web-"));
  const data = join(work, "data");
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--address-file", join(work, "address"), "--python", needed("QUIRE_TEST_PYTHON"), ...more];
  const stop = new AbortController();
  const changes = watch(work, { signal: stop.signal });
  const child = spawn(resolve(root, process.env.QUIRE_BIN ?? "bin/quire"), args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const ended = once(child, "exit");
  const listens = (async () => {
    for await (const change of changes) if (change.filename === "address") return readFileSync(join(work, "address"), "utf8").trim();
    return "";
  })();
  const address = await Promise.race([listens, ended.then(() => "")]);
  stop.abort();
  if (!address) throw new Error(`the server did not start:\n${log}`);
  const token = readFileSync(join(data, "token"), "utf8").trim();
  return new Server(`http://${address}`, token, async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(work, { recursive: true, force: true });
  });
}

class Server {
  constructor(url, token, stop) {
    Object.assign(this, { url, token, stop });
  }

  async call(verb, path, body, type = "application/json") {
    const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    const response = await fetch(this.url + path, { method: verb, body: text, headers: { Authorization: `Bearer ${this.token}`, "Content-Type": type } });
    if (!response.ok) throw new Error(`${verb} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async project(name) {
    const op = await this.call("POST", "/datasphere/v2/projects", { communityId: "default", name });
    return op.response.id;
  }

  put(project, path, content) {
    return this.call("PUT", `/quire/v1/projects/${project}/files/${path}`, content, "application/octet-stream");
  }

  // run executes a notebook and returns its execution's id.
  async run(project, notebookId, inputVariables = {}, outputVariableNames = []) {
    return (await this.call("POST", `/datasphere/v2/projects/${project}:execute`, { notebookId, inputVariables, outputVariableNames })).id;
  }

  // ended waits for an execution's last event.
  async ended(id) {
    const response = await fetch(`${this.url}/quire/v1/executions/${id}/events`, { headers: { Authorization: `Bearer ${this.token}` } });
    await response.text();
    return this.call("GET", `/quire/v1/executions/${id}`);
  }
}

// The pages as people use them, on a real server with real kernels.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { assertAccessible, sheet, signIn, startBrowser } from "./browser.mjs";
import { code, notebook, text } from "./notebook.mjs";
import { startServer } from "./server.mjs";
import { startWire } from "./wire.mjs";

let server, browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const inputs = notebook(
  text("# Report\n\nAbout $x^2$."),
  code('region = "all"  # or north\ntop: int = 2\nflag = True', ["parameters"]),
  code("print(region, top, flag, extra if 'extra' in globals() else __import__('os').environ.get('extra'))\ntotal = top * 10"),
);

test("sign in, create, upload, run with parameters, run again, compare", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(server.url);
  await assertAccessible(page);
  await page.getByLabel("Token").fill("quire_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("the token is not known").waitFor();
  await page.getByLabel("Token").fill(server.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Projects" }).waitFor();
  const [cookie] = await context.cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, "Strict");
  assert.ok(!cookie.value.includes(server.token));
  await assertAccessible(page);

  await page.getByLabel("Name").fill("sales");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("No files yet.").waitFor();
  await drop(page, "report.ipynb", inputs);
  await page.getByRole("link", { name: "report.ipynb", exact: true }).waitFor();
  await assertAccessible(page);

  await page.getByRole("link", { name: "report.ipynb", exact: true }).click();
  await sheet(page).getByRole("heading", { name: "Report" }).waitFor();
  await assertAccessible(page);
  await page.getByRole("link", { name: "Run", exact: true }).click();

  assert.equal(await page.getByLabel("region").inputValue(), "all");
  assert.equal(await page.getByLabel("top int").inputValue(), "2");
  await page.getByLabel("top int").fill("three");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("top must be a whole number").waitFor();
  await page.getByLabel("top int").fill("3");
  await page.getByLabel("flag").selectOption("false");
  await page.getByRole("button", { name: "Add a variable" }).click();
  await page.getByLabel("Name", { exact: true }).fill("extra");
  await page.getByLabel("Value, JSON or text").fill("more");
  await page.getByLabel("Output variables").fill("total, missing");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Run", exact: true }).click();

  await page.locator(".state.succeeded").waitFor();
  await sheet(page).getByText("all 3 False more").waitFor();
  const variables = page.getByTestId("variables");
  assert.match(await variables.innerText(), /total\s+int\s+30[\s\S]*missing\s+missing\s+not defined/);
  await assertAccessible(page);
  const first = page.url().split("/").pop();

  await page.getByRole("link", { name: "Run again…" }).click();
  assert.equal(await page.getByLabel("top int").inputValue(), "3");
  await page.getByLabel("top int").fill("4");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.waitForURL((url) => url.hash.startsWith("#/executions/") && !url.hash.includes(first));
  await page.locator(".state.succeeded").waitFor();
  await page.getByRole("link", { name: "Executions", exact: true }).click();
  await page.getByRole("checkbox").nth(1).waitFor();
  for (const box of await page.getByRole("checkbox").all()) await box.check();
  await page.getByRole("button", { name: "Compare two" }).click();
  await page.getByText("cells put out something else").waitFor();
  assert.match(await page.getByRole("region", { name: "Output variables" }).innerText(), /total\s+40\s+30/);
  assert.equal(await page.locator("tr.differs", { hasText: "top" }).count(), 1);
  await sheet(page).getByText("all 4 False more").waitFor();
  await assertAccessible(page);

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  assert.deepEqual(await context.cookies(), []);
  assert.deepEqual(errors, []);
});

// drop drops a file onto the page, as from a folder.
async function drop(page, name, content) {
  const data = await page.evaluateHandle(
    ([name, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], name));
      return transfer;
    },
    [name, content],
  );
  await page.locator(".drop").dispatchEvent("drop", { dataTransfer: data });
}

// A cell waits for a file of the project, so that the test says how far it goes.
const gate = (name) => `import time, os\nwhile not os.path.exists(${JSON.stringify(name)}): time.sleep(0.02)`;

test("outputs arrive live, displays are updated in place, and what was seen live is what is kept", async (t) => {
  const wire = await startWire(server.url);
  t.after(() => wire.stop());
  const page = await signIn(browser, { url: wire.url, token: server.token });
  const project = await server.project("live");
  await server.put(project, "live.ipynb", notebook(
    code(`from IPython.display import display, HTML, clear_output\nprint('first', end='')\nh = display(HTML('<b id=bar>10%</b>'), display_id='bar')\n${gate("a")}`),
    code(`h.update(HTML('<b id=bar>100%</b>'))\nprint('10%', end='\\r')\nprint('90%', end='')\nprint('\\x1b[31mred\\x1b[0m')\n${gate("b")}`),
    code("for i in range(3):\n  clear_output(wait=True)\n  print('round', i)"),
    code("from ipywidgets import IntProgress\np = IntProgress(value=3, max=10, description='work')\ndisplay(p)\np.value = 8"),
  ));
  const id = await server.run(project, "live.ipynb");
  await page.goto(`${wire.url}/#/executions/${id}`);
  const frame = sheet(page);
  await frame.getByText("10%", { exact: true }).waitFor();
  await frame.getByText("first", { exact: true }).waitFor();
  assert.equal(await page.locator("progress").count(), 1);
  const usage = page.getByRole("region", { name: "CPU and memory" });
  const drawn = usage.locator('[data-kind="cpu"] .line[d*="H"]'); // from two samples on
  await usage.getByRole("img", { name: /^Processors in use over time: \d+\.\d+ now, at most/ }).waitFor();
  await usage.getByRole("img", { name: /^Memory over time: \d.* now, at most/ }).waitFor();
  await drawn.waitFor({ state: "attached" });
  await usage.locator('.cells rect[data-status="running"]').waitFor({ state: "attached" });
  await usage.getByText("As a table").click();
  await usage.getByRole("row", { name: /from IPython\.display/ }).first().waitFor();
  await assertAccessible(page);

  wire.cut(); // what comes meanwhile is fetched from the last event on
  await server.put(project, "a", "");
  await page.getByText("The connection is lost").waitFor();
  wire.mend();
  await frame.locator("#bar", { hasText: "100%" }).waitFor();
  await frame.getByText("90%red").waitFor();
  await frame.locator(".ansi-red-fg", { hasText: "red" }).waitFor();
  await server.put(project, "b", "");
  await page.locator(".state.succeeded").waitFor();
  await frame.getByText("round 2").waitFor();
  assert.equal(await frame.getByText("round 1").count(), 0);
  await frame.getByText("work", { exact: true }).waitFor();
  const live = await frame.locator("#cells").innerText();
  await page.reload();
  await frame.getByText("work", { exact: true }).waitFor();
  assert.equal(await frame.locator("#cells").innerText(), live);
  await usage.getByText(/on average, at most/).waitFor();
  await drawn.waitFor({ state: "attached" });
  assert.equal(await usage.locator('.cells rect[data-status="ok"]').count(), 4);
  await assertAccessible(page);
  await page.context().close();
});

test("a run is cancelled, tried again, and the failing cell comes into view", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("trouble");
  await server.put(project, "waits.ipynb", notebook(code(`print('waiting')\n${gate("never")}`)));
  const waits = await server.run(project, "waits.ipynb");
  await page.goto(`${server.url}/#/executions/${waits}`);
  await sheet(page).getByText("waiting", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.locator(".state.aborted").waitFor();
  await page.getByText("Cancelled:").waitFor();
  await server.put(project, "never", "");
  await page.getByRole("button", { name: "Retry" }).click();
  await page.locator(".state.succeeded").waitFor();
  await page.getByText("retry of").waitFor();

  const cells = Array.from({ length: 40 }, (_, i) => code(`print('cell ${i}')\n${"#\n".repeat(20)}`));
  await server.put(project, "fails.ipynb", notebook(...cells, code("1/0"), code("print('never')")));
  const fails = await server.run(project, "fails.ipynb");
  await server.ended(fails);
  await page.goto(`${server.url}/#/executions/${fails}`);
  const reason = page.getByRole("region", { name: "Why it did not succeed" });
  await reason.waitFor();
  assert.match(await reason.innerText(), /A cell raised: ZeroDivisionError: division by zero/);
  await sheet(page).locator('[data-cell="40"] .error').filter({ visible: true }).waitFor();
  const frame = page.frames().find((f) => f.url().endsWith("/frame.html"));
  await frame.waitForFunction(() => {
    const box = document.querySelector('[data-cell="40"]').getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0;
  });
  await assertAccessible(page);

  await server.put(project, "dies.ipynb", notebook(code("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")));
  const dies = await server.run(project, "dies.ipynb");
  await page.goto(`${server.url}/#/executions/${dies}`);
  await page.getByText("The kernel died:").waitFor();
  await page.getByText("SIGKILL").first().waitFor();
  await page.context().close();
});

test("downloads bring the notebook and the report", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("downloads");
  await server.put(project, "n.ipynb", inputs);
  const id = await server.run(project, "n.ipynb");
  await server.ended(id);
  await page.goto(`${server.url}/#/executions/${id}`);
  for (const [name, holds] of [[".ipynb", '"nbformat"'], [".html", "all 2 True"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
    assert.ok(readFileSync(await download.path(), "utf8").includes(holds), `${name} holds ${holds}`);
  }
  const report = await (await page.context().newPage()).goto(`${server.url}/quire/v1/executions/${id}/html?code=hide`);
  assert.ok(!(await report.text()).includes("total = top"));
  await page.context().close();
});

test("settings are saved", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("settings");
  await page.goto(`${server.url}/#/projects/${project}/settings`);
  await page.getByLabel("Executions at a time").fill("3");
  await page.getByLabel("Keep executions for").fill("30d");
  await page.getByLabel("Learn nothing").check();
  await page.locator("form", { hasText: "Policy" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const policy = await server.call("GET", `/quire/v1/projects/${project}/policy`);
  assert.equal(policy.maxRunning, 3);
  assert.equal(policy.keepFor, "2592000s");
  assert.equal(policy.noLearning, true);
  await page.getByLabel("Time limit of a cell").fill("soon");
  await page.locator("form", { hasText: "Running notebooks" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("soon must be a time").waitFor();
  await assertAccessible(page);
  await page.context().close();
});

test("a phone's width needs no scrolling sideways, in the dark too", async () => {
  const page = await signIn(browser, server, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  const project = await server.project("phone");
  await server.put(project, "n.ipynb", inputs);
  const id = await server.run(project, "n.ipynb");
  await server.ended(id);
  const made = (kind, body) => server.call("POST", `/quire/v1/projects/${project}/${kind}`, body);
  const schedule = await made("schedules", { notebook: "n.ipynb", name: "each morning", cron: "30 6 * * mon-fri", timeZone: "America/Argentina/Buenos_Aires" });
  const sweep = await made("sweeps", { notebook: "n.ipynb", values: { region: ["a long name of a region", "another"] }, outputVariableNames: ["total", "missing"] });
  const webhook = await made("webhooks", { url: `https://example.org/${"long/".repeat(30)}`, executionId: (await server.run(project, "n.ipynb")) });
  const tabs = ["", "files", "schedules", "sweeps", "settings", "run", "run/n.ipynb", "schedule/n.ipynb", "sweep/n.ipynb"];
  const others = [`/executions/${id}`, `/compare/${id}/${id}`, `/schedules/${schedule.id}`, `/schedules/${schedule.id}/edit`, `/sweeps/${sweep.id}`, `/webhooks/${webhook.id}`];
  for (const hash of ["/", ...tabs.map((tab) => `/projects/${project}/${tab}`), ...others]) {
    await page.goto(`${server.url}/#${hash}`);
    await page.reload(); // so that nothing of the page before is there
    await page.getByRole("heading").first().waitFor();
    await page.getByText("Loading…").waitFor({ state: "detached" });
    if (hash.startsWith("/executions")) await sheet(page).locator(".cell pre").first().waitFor();
    const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= width, `${hash} is ${wide} wide`);
    await assertAccessible(page);
  }
  await page.context().close();
});

test("a notebook of 500 cells and 50 MB is drawn as far as it is seen", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("large");
  const cells = Array.from({ length: 500 }, (_, i) => ({ ...code(`print(${i})`), execution_count: 1, outputs: [{ output_type: "stream", name: "stdout", text: `cell ${i}\n${"x".repeat(99)}\n`.padEnd(100_000, "y z\n") }] }));
  await server.put(project, "large.ipynb", notebook(...cells));
  await page.goto(`${server.url}/#/projects/${project}/view/large.ipynb`);
  await sheet(page).locator('[data-cell="0"] .output').first().waitFor();
  const drawn = () => sheet(page).locator(".cell:not(:empty)").count();
  assert.ok((await drawn()) < 60, `${await drawn()} cells are drawn at first`);
  const frame = page.frames().find((f) => f.url().endsWith("/frame.html"));
  await frame.evaluate(() => document.querySelector('[data-cell="499"]').scrollIntoView());
  await sheet(page).locator('[data-cell="499"] .output').first().waitFor();
  assert.ok((await drawn()) < 120, `${await drawn()} cells are drawn at the end`);
  await page.context().close();
});

test("a list of 2,000 executions comes page by page", async () => {
  const page = await signIn(browser, server);
  const all = Array.from({ length: 2000 }, (_, i) => ({ id: `e${i}`, projectId: "p", state: "SUCCEEDED", notebook: `n${i}.ipynb`, cellsDone: 1, cellsTotal: 1, createdAt: "2026-11-24T00:00:00Z", inputVariables: {} }));
  await page.route("**/quire/v1/projects/*/executions*", (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("pageToken") ?? 0);
    const executions = all.slice(from, from + 100);
    return route.fulfill({ json: { executions, nextPageToken: from + 100 < all.length ? String(from + 100) : "" } });
  });
  const project = await server.project("many");
  await page.goto(`${server.url}/#/projects/${project}`);
  await page.getByText("n0.ipynb").waitFor();
  assert.ok((await page.locator("tbody tr").count()) < 500);
  while ((await page.locator("tbody tr").count()) < 2000) {
    await page.locator("tbody tr").last().scrollIntoViewIfNeeded();
  }
  await page.getByText("n1999.ipynb").waitFor();
  await page.context().close();
});

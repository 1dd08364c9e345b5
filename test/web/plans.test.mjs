// Schedules, sweeps and webhooks as people use them on the pages.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { assertAccessible, sheet, signIn, startBrowser } from "./browser.mjs";
import { code, notebook } from "./notebook.mjs";
import { startServer } from "./server.mjs";

let server, browser;
before(async () => {
  server = await startServer(["--webhook-allow", "127.0.0.0/8"]);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const report = notebook(
  code('region = "all"\ntop = 2', ["parameters"]),
  code("print('about', region, top)\nscore = int(top) * 10 if str(top).isdigit() else 0"),
);

test("a schedule is made, changed, paused, run now and deleted", async () => {
  const page = await signIn(browser, server, { timezoneId: "Europe/Berlin" });
  const project = await server.project("scheduled");
  await server.put(project, "report.ipynb", report);
  await server.put(project, "other.ipynb", notebook(code("day = 1", ["parameters"])));
  await page.goto(`${server.url}/#/projects/${project}`);
  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByText("None yet.").waitFor();
  await assertAccessible(page);
  await page.getByRole("link", { name: "New schedule" }).click();
  await page.getByRole("heading", { name: "Run which notebook?" }).waitFor();
  await assertAccessible(page);
  await page.getByRole("link", { name: "report.ipynb" }).click();

  assert.equal(await page.getByLabel("Time zone").inputValue(), "Europe/Berlin");
  await page.getByLabel("Name of the schedule").fill("morning");
  await page.getByLabel("Cron expression").fill("30 6 * * mom");
  await page.getByLabel("region").fill("{{ scheduled_date }}");
  await page.getByLabel("top int").fill("soon");
  await page.getByRole("button", { name: "Create the schedule" }).click();
  await page.getByText("top must be a whole number").waitFor();
  await page.getByLabel("top int").fill("{{ scheduled_day }}");
  await page.getByRole("button", { name: "Create the schedule" }).click();
  await page.getByRole("alert").filter({ hasText: "mom" }).waitFor();
  await page.getByLabel("Cron expression").fill("30 6 * * mon-fri");
  await page.getByLabel("While an earlier execution of it runs").selectOption("let the time pass");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Create the schedule" }).click();

  await page.getByRole("heading", { name: "morning" }).waitFor();
  const next = page.getByRole("region", { name: "Next times" });
  const times = await next.getByRole("listitem").allInnerTexts();
  assert.equal(times.length, 5);
  for (const time of times) assert.match(time, /^(Mon|Tue|Wed|Thu|Fri), .* 6:30\sAM GMT\+[12]$/);
  const details = page.getByRole("region", { name: "Details" });
  assert.match(await details.innerText(), /\{\{ scheduled_date \}\}[\s\S]*let the time pass/);
  await assertAccessible(page);
  const address = page.url();

  await page.getByRole("button", { name: "Run now" }).click();
  await page.locator(".state.succeeded").waitFor();
  await sheet(page).getByText(/about \d{4}-\d\d-\d\d \d\d/).waitFor();
  await page.getByRole("link", { name: address.split("/").pop() }).click();
  await page.getByRole("table").getByText("SUCCEEDED").waitFor();

  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("None, while it is paused.").waitFor();
  await page.getByRole("link", { name: "Change", exact: true }).click();
  assert.equal(await page.getByLabel("Cron expression").inputValue(), "30 6 * * mon-fri");
  assert.equal(await page.getByLabel("region").inputValue(), "{{ scheduled_date }}");
  assert.equal(await page.getByLabel("top int").inputValue(), "{{ scheduled_day }}");
  await page.getByLabel("Notebook").selectOption("other.ipynb");
  await page.getByLabel("day int").waitFor();
  await page.getByRole("button", { name: "Remove region" }).click();
  await page.getByRole("radio", { name: "Once an interval" }).check();
  await page.getByRole("textbox", { name: "Interval" }).fill("90m");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("every 90m").waitFor();
  assert.match(await details.innerText(), /other\.ipynb[\s\S]*top\s+"\{\{ scheduled_day \}\}"/);
  assert.doesNotMatch(await details.innerText(), /region/);
  await page.getByText("PAUSED", { exact: true }).waitFor(); // as it was
  await page.getByRole("button", { name: "Resume" }).click();
  await next.getByRole("listitem").nth(4).waitFor();

  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByRole("link", { name: "morning" }).waitFor();
  await assertAccessible(page);
  await page.getByRole("link", { name: "morning" }).click();
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("None yet.").waitFor();
  await page.context().close();
});

test("a sweep runs each combination and ends in a table", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("swept");
  await server.put(project, "report.ipynb", report);
  await page.goto(`${server.url}/#/projects/${project}/run/report.ipynb`);
  await page.getByRole("link", { name: "For lists of values" }).click();
  await page.getByLabel("region").fill("north\nsouth");
  await page.getByRole("button", { name: "Start the sweep" }).waitFor();
  await page.getByText("2 executions").waitFor();
  await page.getByLabel("top int").fill("1\ntwo");
  await page.getByRole("button", { name: "Start the sweep" }).click();
  await page.getByText("top must be a whole number").waitFor();
  await page.getByLabel("top int").fill("1\n3");
  await page.getByText("4 executions").waitFor();
  await page.getByLabel("Output variables").fill("score");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Start the sweep" }).click();

  await page.getByText("4 of 4 have ended: 4 SUCCEEDED").waitFor();
  const table = page.getByTestId("sweep");
  await table.getByText("30").nth(1).waitFor();
  const rows = (await table.locator("tbody tr").allInnerTexts()).map((row) => row.trim().split(/\s+/));
  assert.deepEqual(rows, [
    ["1", "SUCCEEDED", '"north"', "1", "10"],
    ["2", "SUCCEEDED", '"north"', "3", "30"],
    ["3", "SUCCEEDED", '"south"', "1", "10"],
    ["4", "SUCCEEDED", '"south"', "3", "30"],
  ]);
  await assertAccessible(page);
  const csv = await downloaded(page, ".csv");
  assert.match(csv, /^execution_id,state,region,top,score\n/);
  assert.match(csv, /,SUCCEEDED,south,3,30\n$/);
  const json = JSON.parse(await downloaded(page, ".json"));
  assert.deepEqual(json.rows.map((row) => row.outputs.score), [10, 30, 10, 30]);

  await table.getByRole("link", { name: "4" }).click();
  await sheet(page).getByText("about south 3").waitFor();
  await page.getByRole("region", { name: "Details" }).getByRole("link").click();
  await page.getByRole("link", { name: "Sweeps" }).click();
  await page.getByText("4/4").waitFor();
  await assertAccessible(page);
  await page.context().close();
});

test("a sweep is cancelled", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("stopped");
  await server.put(project, "waits.ipynb", notebook(code("n = 0", ["parameters"]), code("import time\nwhile True: time.sleep(0.02)")));
  const { id } = await server.call("POST", `/quire/v1/projects/${project}/sweeps`, { notebook: "waits.ipynb", values: { n: [1, 2, 3] } });
  await page.goto(`${server.url}/#/sweeps/${id}`);
  await page.locator(".state.running").first().waitFor();
  await page.getByText("0 of 3 have ended").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("3 of 3 have ended: 3 ABORTED").waitFor();
  await page.context().close();
});

async function downloaded(page, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
  return readFileSync(await download.path(), "utf8");
}

test("a webhook is made, told, listed with what was sent, and deleted", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("told");
  await server.put(project, "report.ipynb", report);
  const receiver = createServer((_, response) => response.writeHead(receiver.answer).end());
  receiver.answer = 200;
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;

  await page.goto(`${server.url}/#/projects/${project}/settings`);
  const webhooks = page.getByRole("region", { name: "Webhooks" });
  await webhooks.getByText("None yet.").waitFor();
  await webhooks.getByLabel("Address").fill("https://user:word@example.org/");
  await webhooks.getByRole("button", { name: "Create the webhook" }).click();
  await webhooks.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
  await webhooks.getByLabel("Address").fill(url);
  await webhooks.getByLabel("it fails or is stopped").uncheck();
  await webhooks.getByRole("button", { name: "Create the webhook" }).click();
  await webhooks.getByText("The secret, which is shown this once:").waitFor();
  assert.match(await webhooks.getByRole("status").innerText(), /: \S{16,}/);
  await webhooks.getByRole("link", { name: url }).waitFor();
  assert.match(await webhooks.getByRole("table").innerText(), /\bSUCCESS\b/);
  await assertAccessible(page);

  const told = once(receiver, "request");
  await server.ended(await server.run(project, "report.ipynb"));
  await told;
  await webhooks.getByRole("link", { name: url }).click();
  await page.getByText("DELIVERED").waitFor();
  assert.match(await page.getByRole("table").innerText(), /SUCCESS[\s\S]*DELIVERED\s+1\s+200/);
  await assertAccessible(page);

  receiver.answer = 503;
  const refused = once(receiver, "request");
  await server.ended(await server.run(project, "report.ipynb"));
  await refused;
  await page.reload();
  await page.getByText("PENDING").waitFor();
  await page.getByRole("link", { name: "Settings" }).click();
  page.once("dialog", (dialog) => dialog.accept());
  await webhooks.getByRole("button", { name: `Delete ${url}` }).click();
  await webhooks.getByText("None yet.").waitFor();
  await page.context().close();
  receiver.close();
});

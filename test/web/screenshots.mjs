// Writes the pictures of docs/pages: the example's run, a failure, the form.
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sheet, signIn, startBrowser } from "./browser.mjs";
import { code, notebook, text } from "./notebook.mjs";
import { startServer } from "./server.mjs";

const root = new URL("../../", import.meta.url);
const docs = fileURLToPath(new URL("docs/pages/", root));
mkdirSync(docs, { recursive: true });
const example = (name) => readFileSync(new URL(`examples/${name}`, root));

const server = await startServer();
const browser = await startBrowser();
try {
  const project = await server.project("sales");
  await server.call("PUT", `/quire/v1/projects/${project}/files/sales.csv`, example("sales.csv").toString(), "text/csv");
  await server.put(project, "sales-report.ipynb", example("sales-report.ipynb").toString());
  await server.put(project, "clean.ipynb", notebook(text("# Clean the orders"), code("orders = {'north': 3}"), code("orders['south']")));
  const outputs = ["total_revenue", "best_month"];
  const north = await server.run(project, "sales-report.ipynb", { region: "north", top: 2 }, outputs);
  const south = await server.run(project, "sales-report.ipynb", { region: "south", top: 2 }, outputs);
  const failed = await server.run(project, "clean.ipynb");
  for (const id of [north, south, failed]) await server.ended(id);

  for (const colorScheme of ["light", "dark"]) {
    const page = await signIn(browser, server, { colorScheme });
    const shot = async (name, hash, ready) => {
      await page.goto(`${server.url}/#${hash}`);
      await ready(page);
      await page.waitForLoadState("networkidle");
      await page.screenshot({ path: `${docs}${name}${colorScheme === "dark" ? "-dark" : ""}.png` });
    };
    await shot("execution", `/executions/${north}`, async () => {
      await sheet(page).locator(".output img").first().waitFor();
      await sheet(page).locator(".output img").first().scrollIntoViewIfNeeded();
    });
    if (colorScheme === "dark") continue;
    await shot("executions", `/projects/${project}`, () => page.getByText("clean.ipynb").waitFor());
    await shot("run", `/projects/${project}/run/sales-report.ipynb`, () => page.getByLabel("region").waitFor());
    await shot("failure", `/executions/${failed}`, () => sheet(page).locator(".output.error").waitFor());
    await shot("compare", `/compare/${north}/${south}`, () => page.getByText("cells put out something else").waitFor());
  }
} finally {
  await browser.close();
  await server.stop();
}

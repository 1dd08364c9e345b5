// Writes the pictures of docs/pages: the example's run, a failure, the form, a
// schedule, a sweep.
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
  const make = (kind, body) => server.call("POST", `/quire/v1/projects/${project}/${kind}`, { notebook: "sales-report.ipynb", outputVariableNames: outputs, ...body });
  const weekly = await make("schedules", { name: "before the meeting", cron: "30 7 * * mon", timeZone: "Europe/Berlin", inputVariables: { region: "all", top: 3 } });
  const { id: due } = await server.call("POST", `/quire/v1/schedules/${weekly.id}:run`, {});
  await server.ended(due);
  const regions = await make("sweeps", { values: { region: ["north", "south", "east", "west"], top: [1, 3] } });

  for (const colorScheme of ["light", "dark"]) {
    const page = await signIn(browser, server, { colorScheme });
    const shot = async (name, hash, ready) => {
      await page.goto(`${server.url}/#${hash}`);
      await ready(page);
      await page.screenshot({ path: `${docs}${name}${colorScheme === "dark" ? "-dark" : ""}.png` });
    };
    await shot("execution", `/executions/${north}`, async () => {
      await sheet(page).locator(".output img").first().waitFor();
      await sheet(page).locator(".output img").first().scrollIntoViewIfNeeded();
      await sheet(page).getByRole("heading", { name: "The result" }).waitFor();
    });
    if (colorScheme === "dark") continue;
    await shot("schedule", `/schedules/${weekly.id}`, () => page.locator(".state.succeeded").waitFor());
    await shot("sweep", `/sweeps/${regions.id}`, () => page.getByRole("cell", { name: '"2025-12"' }).nth(5).waitFor());
    await shot("executions", `/projects/${project}`, () => page.getByText("clean.ipynb").waitFor());
    await shot("run", `/projects/${project}/run/sales-report.ipynb`, () => page.getByLabel("region").waitFor());
    await shot("failure", `/executions/${failed}`, () => sheet(page).locator(".output.error").waitFor());
    await shot("compare", `/compare/${north}/${south}`, () => page.getByText("cells put out something else").waitFor());
  }
} finally {
  await browser.close();
  await server.stop();
}

// Debian's Chromium, driven by playwright.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export async function startBrowser() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

// signIn returns a page of the server's that has signed in.
export async function signIn(browser, server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.goto(server.url);
  await page.getByLabel("Token").fill(server.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Projects" }).waitFor();
  return page;
}

// sheet is the frame that the page shows a notebook in.
export const sheet = (page) => page.frameLocator("iframe.sheet").first();

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// assertAccessible holds the page and what it frames against axe's rules of
// WCAG 2.1 AA. The page's policy forbids inline scripts, so that axe comes in
// by the debugger.
export async function assertAccessible(page) {
  for (const frame of page.frames()) {
    await frame.evaluate(axe);
    const found = await frame.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], iframes: false });
      return violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html.slice(0, 200)} ${n.failureSummary.slice(0, 300)}`).join("\n")}`);
    });
    assert.deepEqual(found, [], `${frame.url()} is accessible`);
  }
}

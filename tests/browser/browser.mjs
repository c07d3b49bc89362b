// Chromium, driven by playwright-core: packages from the folder that the caller names.

import { createRequire } from "node:module";
import { join } from "node:path";

/** [folder with node_modules, Chromium's path, …the caller's own arguments] */
const [modules, chromium, ...rest] = process.argv.slice(2);
export const words = rest;
const require = createRequire(join(modules, "package.json"));
const playwright = require("playwright-core");

/** A browser, until `use(browser)` is done. */
export async function withBrowser(use) {
  // The pages are our own, and root has no sandbox.
  const browser = await playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

/** A page in a window of its own; what goes wrong in it is added to `faults`. */
export async function visit(browser, address, options, faults) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  await page.goto(address);
  return page;
}

/** What axe finds that is serious or critical, one line each. */
export async function audit(page) {
  const source = require.resolve("axe-core/axe.min.js");
  // Evaluated, not added as a script: the page's own policy forbids that.
  const { readFileSync } = await import("node:fs");
  await page.evaluate(readFileSync(source, "utf-8"));
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, help, nodes }) => `axe ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

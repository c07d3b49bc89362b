// What a person does with the page, in Chromium. Speaks with test_browser.py by lines:
// "do …" asks for something at the camera, which answers with a line; "check NAME ok" or
// "check NAME what went wrong" tells how it went.

import { createInterface } from "node:readline";
import { audit, visit, withBrowser, words } from "./browser.mjs";

const [open, locked, password] = words;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

async function camera(...command) {
  console.log(`do ${command.join(" ")}`);
  return (await answers.next()).value;
}

function must(condition, what) {
  if (!condition) throw new Error(what);
}

/** A visit to the open page that shows a live picture. */
async function look(browser, options, faults) {
  const page = await visit(browser, open, options, faults);
  await page.locator("#screen[data-state=live]").waitFor();
  await page.locator("#events li").first().waitFor();
  return page;
}

const pictures = (page) => page.locator("#picture").getAttribute("data-count").then(Number);

const CHECKS = {
  async "the live picture moves"(page) {
    const before = await pictures(page);
    await page.waitForFunction((n) => Number(document.getElementById("picture").dataset.count) > n + 2, before);
    must((await page.locator("#label").textContent()) === "empty", "no label below the picture");
  },
  async "an event appears without reload"(page) {
    await page.evaluate(() => { window.same = true; });
    await camera("see", "squirrel");
    const first = page.locator("#events li").first();
    await first.filter({ hasText: "squirrel" }).waitFor();
    await page.locator("#label", { hasText: "squirrel" }).waitFor();
    await page.waitForFunction(() => document.querySelector("#events li img").naturalWidth > 0);
    must(await page.evaluate(() => window.same), "the page was loaded anew");
    must((await page.title()).startsWith("squirrel"), "the title does not say so");
    await page.waitForFunction(() => document.getElementById("spoken").textContent.includes("squirrel"));
  },
  async "a snapshot is marked with the keyboard"(page) {
    await page.locator("#events button.event").first().focus();
    await page.keyboard.press("Enter");
    await page.locator("#dialog[open]").waitFor();
    await page.keyboard.press("w");
    await page.locator("#mark-now", { hasText: "Marked as wrong." }).waitFor();
    await page.keyboard.press("2");
    await page.locator("#mark-now", { hasText: "Marked as bird." }).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Escape");
    await page.locator("#dialog:not([open])").waitFor({ state: "attached" });
    await page.locator("#events li").first().filter({ hasText: "it is bird" }).waitFor();
    must((await camera("truth")) === "bird", "the store does not have it");
    const focused = await page.evaluate(() => document.activeElement.closest("#events") !== null);
    must(focused, "the focus is lost after the dialog");
  },
  async "a mark is taken back with the mouse"(page) {
    await page.locator("#events button.event").first().click();
    await page.locator("#undo").click();
    await page.locator("#mark-now", { hasText: "Nobody" }).waitFor();
    await page.locator("#close").click();
    must((await camera("truth")) === "null", "the store still has it");
  },
  async "an unsure picture is labelled, and the next one comes"(page) {
    await camera("wonder", "bird");
    await camera("wonder", "empty");
    await page.reload();
    await page.locator("#uncertain .tile").first().click();
    const title = await page.locator("#dialog-title").textContent();
    await page.locator("#right").click();
    await page.waitForFunction((before) => document.getElementById("dialog-title").textContent !== before, title);
    await page.keyboard.press("Escape");
    await page.locator("#uncertain li:visible").first().waitFor();
    must((await page.locator("#uncertain li:visible").count()) === 1, "what is labelled is still in the list");
  },
  async "labelled pictures are downloaded"(page) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Download labelled pictures").click()]);
    must(download.suggestedFilename() === "galago-marked.zip", download.suggestedFilename());
  },
  async "events are chosen by label"(page) {
    await page.locator("#filter").selectOption("bird");
    await page.waitForFunction(() => [...document.querySelectorAll("#events b")].every((b) => b.textContent === "bird"));
    await page.locator("#filter").selectOption("");
    await page.locator("#events b", { hasText: "squirrel" }).first().waitFor();
  },
  async "earlier events come when asked for"(page) {
    const before = await page.locator("#events li").count();
    await page.locator("#more").click();
    await page.waitForFunction((n) => document.querySelectorAll("#events li").length > n, before);
  },
  async "the chart has a table, and days"(page) {
    await page.locator("#chart rect").first().waitFor({ state: "attached" });
    await page.getByRole("button", { name: "By day" }).click();
    await page.locator("#chart svg[aria-label^='Bars by day']").waitFor();
    await page.locator("summary").click();
    must((await page.locator("#table tbody tr").count()) > 0, "the table is empty");
    await page.locator("#legend button").first().click();
    must((await page.locator("#legend button").first().getAttribute("aria-pressed")) === "false", "the legend hides nothing");
  },
  async "health is told with its cause and since when"(page) {
    await camera("ail", "camera.dark", "the picture is black");
    await page.locator("#health li", { hasText: "the picture is black" }).filter({ hasText: "Since" }).waitFor();
    must((await page.locator("#level").textContent()) === "Warning", "the head of the page does not say so");
    await camera("heal", "camera.dark");
    await page.locator("#health li", { hasText: "All well" }).waitFor();
  },
  async "an old picture does not look live"(page) {
    await camera("stall");
    await page.locator("#screen[data-state=stale]").waitFor();
    must(/The picture is .* old/.test(await page.locator("#stale").textContent()), "it does not say how old");
    must((await page.locator("#picture").evaluate((e) => getComputedStyle(e).filter)) !== "none", "it is not greyed");
    await camera("go");
    await page.locator("#screen[data-state=live]").waitFor();
  },
  async "a lost connection is told, and comes back"(page) {
    await camera("freeze");
    await page.locator("#lost", { hasText: "No connection to the camera since" }).waitFor();
    await page.locator("#screen:not([data-state=live])").waitFor();
    await camera("thaw");
    await page.locator("#lost").waitFor({ state: "hidden" });
    await page.locator("#screen[data-state=live]").waitFor();
  },
  async "a hidden page asks for nothing"(page) {
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.waitForTimeout(1500);
    const before = [await camera("asked"), await pictures(page)];
    await page.waitForTimeout(1500);
    must(String([await camera("asked"), await pictures(page)]) === String(before), "it still asks");
    await page.evaluate(() => {
      delete document.hidden;
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.waitForFunction((n) => Number(document.getElementById("picture").dataset.count) > n, before[1]);
  },
  async "the first key leads past the head"(page) {
    await page.reload();
    await page.keyboard.press("Tab");
    const box = await page.locator(".skip:focus").boundingBox();
    must(box && box.x >= 0, "the skip link is not seen");
  },
};

async function phone(browser, faults) {
  const page = await look(browser, PHONE, faults);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  must((await wide()) <= 0, `the page is ${await wide()} pixels too wide`);
  await page.locator("#events button.event").first().tap();
  await page.locator("#dialog[open]").waitFor();
  must((await wide()) <= 0, "the dialog is too wide");
  const inside = await page.locator("#dialog").evaluate((e) => e.scrollWidth <= e.clientWidth);
  must(inside, "the dialog scrolls sideways");
  return page;
}

async function dark(browser, faults) {
  const page = await look(browser, { colorScheme: "dark" }, faults);
  const grey = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
  must(Math.max(...grey) < 64, `the ground is ${grey}`);
  return page;
}

async function door(browser) {
  const faults = []; // a refusal is one for the browser's console
  const page = await visit(browser, locked, {}, faults);
  await page.waitForURL("**/login");
  const found = await audit(page);
  must(!found.length, found.join("; "));
  await page.getByLabel("Password").fill("wrong horse");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").filter({ hasText: "not the password" }).waitFor();
  await page.getByLabel("Password").fill(password.replaceAll("_", " "));
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("#screen[data-state=live]").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL("**/login");
  await page.goto(locked);
  await page.waitForURL("**/login");
}

async function audited(page) {
  const found = await audit(page);
  must(!found.length, found.join("; "));
}

async function check(name, work) {
  try {
    await work();
    console.log(`check ${name}: ok`);
  } catch (error) {
    console.log(`check ${name}: ${error.message.split("\n").slice(0, 3).join(" ")}`);
  }
}

// Whatever hangs, the test is told of the rest.
setTimeout(() => process.exit(1), 150_000).unref();

await withBrowser(async (browser) => {
  const faults = [];
  const page = await look(browser, { colorScheme: "light" }, faults);
  page.setDefaultTimeout(20000);
  for (const [name, work] of Object.entries(CHECKS)) await check(name, () => work(page));
  await check("axe finds nothing serious in the light", () => audited(page));
  await check("a phone needs no scrolling sideways", async () => {
    const small = await phone(browser, faults);
    await audited(small);
    await small.context().close();
  });
  await check("dark is dark, and axe finds nothing serious there", async () => {
    const night = await dark(browser, faults);
    await audited(night);
    await night.locator("#events button.event").first().click();
    await audited(night);
    await night.context().close();
  });
  await check("a login is refused, accepted, and ended", () => door(browser));
  await check("the console stays clean", async () => must(!faults.length, faults.join("; ")));
});
process.exit(0); // or it would wait for more answers

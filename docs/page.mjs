// Photographs of the status page; called by page.py.

import { visit, withBrowser, words } from "../tests/browser/browser.mjs";

const [address, folder] = words;
const SHOTS = {
  "page-light": { colorScheme: "light", viewport: { width: 1280, height: 1480 } },
  "page-dark": { colorScheme: "dark", viewport: { width: 1280, height: 1480 } },
  "page-phone": { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  "page-label": { colorScheme: "light", viewport: { width: 1000, height: 860 }, open: true },
};

await withBrowser(async (browser) => {
  for (const [name, { open, ...options }] of Object.entries(SHOTS)) {
    const faults = [];
    const page = await visit(browser, address, { timezoneId: "Europe/Berlin", ...options }, faults);
    await page.locator("#screen[data-state=live]").waitFor();
    await page.locator("#chart rect").first().waitFor({ state: "attached" });
    if (open) {
      await page.locator("#events button.event").nth(1).click();
      await page.keyboard.press("r");
    }
    await page.waitForTimeout(1500);
    await page.screenshot({ path: `${folder}/${name}.jpg`, type: "jpeg", quality: 85 });
    if (faults.length) throw new Error(faults.join("\n"));
    await page.context().close();
  }
});

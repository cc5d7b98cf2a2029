// Colors: the contrast that the design promises, and what is left where the system chooses the colors.
import assert from "node:assert/strict";
import { contrast, rgb } from "./contrast.mjs";
import { expectRing } from "./focus.mjs";

const encoded = encodeURIComponent;

/** By theme: against the canvas and the surface, rounded to one digit; or the two colors that are one on the other. */
const PROMISED = {
  dark: {
    text: [15.6, 14.5],
    "text-2": [8.9, 8.2],
    "text-3": [5.6, 5.2],
    border: [1.4],
    "border-control": [3.8, 3.6],
    accent: [7.8],
    error: [6.8],
    warning: [10.6],
    success: [8.5],
  },
  light: {
    text: [17.5, 16.4],
    "text-2": [7.8, 7.3],
    "text-3": [5.2, 4.9],
    border: [1.35],
    "border-control": [3.6, 3.4],
    accent: [5.7],
    error: [5.6],
    warning: [5.7],
    success: [5.4],
  },
};
const ON = {
  dark: [
    ["on-accent", "accent", 7.8],
    ["on-match", "match", 14.0],
  ],
  light: [
    ["on-accent", "accent", 5.7],
    ["on-match", "match", 13.5],
  ],
};
/** Of the colors of services against the canvas. */
const SERVICE_MIN = { dark: 4.88, light: 3.01 };
const SERVICES = 12;

async function tokens(page) {
  const names = [...Object.keys(PROMISED.dark), "canvas", "surface", "match", "on-match", "on-accent"].concat(
    Array.from({ length: SERVICES }, (_, i) => `service-${i}`),
  );
  const values = await page.evaluate((names) => {
    const style = getComputedStyle(document.documentElement);
    return names.map((name) => style.getPropertyValue(`--${name}`));
  }, names);
  return Object.fromEntries(names.map((name, i) => [name, rgb(values[i])]));
}

/** As many digits as are promised. */
function isPromised(what, shown, wanted) {
  const half = String(wanted).includes(".") && String(wanted).split(".")[1].length > 1 ? 0.0051 : 0.051;
  assert.ok(Math.abs(shown - wanted) <= half, `${what}: ${shown.toFixed(3)}, expected ${wanted}`);
}

/** Rows and bars of a trace as they are seen, with one row chosen by keys, and the same without any focus. */
async function forcedTrace(page, browser, { base, trace, shots }) {
  await page.emulateMedia({ forcedColors: "active" });
  await page.goto(`${base}/trace/${trace}`);
  await page.locator("[role=treegrid] [role=row]").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const row = page.locator("[role=row][aria-selected=true]");
  await row.waitFor();
  await page.waitForFunction(() => document.activeElement?.ariaSelected === "true");
  const look = async () => {
    const png = await page.screenshot({ animations: "disabled" });
    if (shots) await page.screenshot({ path: `${shots}/forced-colors.png`, animations: "disabled" });
    return browser.pixels(png);
  };
  const ringed = await look();
  await page.evaluate(() => document.activeElement.blur());
  return { ringed, bare: await look() };
}

const at = ({ data, width }, x, y) => {
  const i = (Math.round(y) * width + Math.round(x)) * 4;
  return [data[i], data[i + 1], data[i + 2]];
};

export async function checkColors({ check, base, browser, trace, shots }) {
  for (const theme of ["dark", "light"]) {
    await check(`${theme}: every color has the contrast that it is promised to have`, async () => {
      const page = await browser.page({ theme });
      await page.goto(base);
      await page.locator("main").waitFor();
      const found = await tokens(page);
      for (const [name, promised] of Object.entries(PROMISED[theme])) {
        for (const [i, wanted] of promised.entries()) {
          const under = ["canvas", "surface"][i];
          isPromised(`${name} on ${under}`, contrast(found[name], found[under]), wanted);
        }
      }
      for (const [name, under, wanted] of ON[theme])
        isPromised(`${name} on ${under}`, contrast(found[name], found[under]), wanted);
      const services = Array.from({ length: SERVICES }, (_, i) =>
        contrast(found[`service-${i}`], found.canvas),
      );
      isPromised("the faintest service", Math.min(...services), SERVICE_MIN[theme]);
      await page.context().close();
    });

    await check(`${theme}: with the system's colors, bars and the focus can be seen`, async () => {
      const page = await browser.page({ theme });
      const { ringed, bare } = await forcedTrace(page, browser, { base, trace, shots });
      // Each bar that is in sight: its middle against what is just above it, in the line between two rows.
      const bars = await page.evaluate(() => {
        const grid = document.querySelector("[role=treegrid]").getBoundingClientRect();
        return [...document.querySelectorAll("[role=treegrid] [role=row]")]
          .map((row) => row.getBoundingClientRect())
          .filter(({ top, bottom }) => top >= grid.top && bottom < innerHeight - 20)
          .map(({ top, bottom }) => ({ top, bottom, right: Math.min(grid.right, innerWidth) }));
      });
      assert.ok(bars.length > 5, `${bars.length} rows`);
      const names = await page
        .locator("[role=separator]")
        .evaluate((divider) => divider.getBoundingClientRect().right);
      const panel = await page
        .locator("aside[aria-label=Span]")
        .evaluateAll((all) => all[0]?.getBoundingClientRect().left ?? Number.POSITIVE_INFINITY);
      for (const { top, bottom, right } of bars) {
        const line = { y: (top + bottom) / 2, from: names + 2, to: Math.min(right, panel) - 2 };
        const background = at(bare, line.to, top + 1);
        let seen = 0;
        for (let x = line.from; x < line.to; x++) if (contrast(at(bare, x, line.y), background) >= 3) seen++;
        assert.ok(seen >= 1, `no bar is seen in the row at ${top}`);
      }
      // The ring is around the name of the row.
      let ring = 0;
      for (let i = 0; i < ringed.data.length; i += 4) {
        const [a, b] = [ringed, bare].map(({ data }) => [data[i], data[i + 1], data[i + 2]]);
        if (a.some((value, channel) => value !== b[channel]) && contrast(a, b) >= 3) ring++;
      }
      assert.ok(ring > 100, `${ring} pixels show the focus`);
      await page.context().close();
    });

    await check(`${theme}: with the system's colors, the focus of a search can be seen`, async () => {
      const page = await browser.page({ theme });
      await page.emulateMedia({ forcedColors: "active" });
      await page.goto(`${base}/search?q=${encoded("{ status = error }")}`);
      await page.locator("tbody tr a").first().waitFor();
      for (let i = 0; i < 8; i++) {
        await page.keyboard.press("Tab");
        await expectRing(page, browser);
      }
      await page.context().close();
    });
  }
}

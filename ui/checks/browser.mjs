// A headless browser that reports what a reader would not see: errors, requests to elsewhere, violations of WCAG.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Where a browser is; `undefined` when there is none. */
export const executable = PLACES.find((place) => place && existsSync(place));

/** Puts the keys into the box on top, once the page listens to them. */
export async function focusOmnibox(page) {
  await page.getByRole("combobox", { name: "Trace id" }).waitFor();
  await page.keyboard.press("Control+k");
}

export class Browser {
  problems = [];
  /** What a check brings about itself. */
  expected = [];

  /** Until the check is over such messages are no problems: it brings them about itself. */
  expect(pattern) {
    this.expected.push(pattern);
  }

  /** A check is over. */
  over() {
    this.expected = [];
  }

  static async start(base) {
    const browser = new Browser();
    browser.base = base;
    browser.chromium = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
    return browser;
  }

  /** A page of its own, as a new reader has it; a proxy in front of the server would name the tenant. */
  async page({ theme = "dark", width = 1440, height = 900, tenant } = {}) {
    const context = await this.chromium.newContext({
      viewport: { width, height },
      colorScheme: theme,
      extraHTTPHeaders: tenant === undefined ? {} : { "x-scope-orgid": tenant },
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => this.problems.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // That a trace does not exist, a query is wrong, or SQL is not built in is an answer, not a fault of the page.
      const expected = [/status of (40[04]|501) /, ...this.expected].some((known) =>
        known.test(message.text()),
      );
      if (message.type() === "error" && !expected) this.problems.push(`${page.url()}: ${message.text()}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.origin !== this.base)
        this.problems.push(`asks ${url.origin}`);
    });
    return page;
  }

  /** Serious violations of WCAG 2.2 AA on the page as it is. */
  async violations(page) {
    // Evaluated by the browser's protocol, which the page's security policy does not concern.
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() =>
      globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }),
    );
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    return serious.map(
      ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 160)} (${nodes.length})`,
    );
  }

  /** The pixels of a screenshot, read by a page that has nothing to do with the server. */
  async pixels(png) {
    this.reader ??= await (await this.chromium.newContext()).newPage();
    const { width, height, text } = await this.reader.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const { width, height } = image;
      const context = new OffscreenCanvas(width, height).getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      let text = "";
      for (let at = 0; at < data.length; at += 32_768)
        text += String.fromCharCode(...data.subarray(at, at + 32_768));
      return { width, height, text: btoa(text) };
    }, png.toString("base64"));
    return { width, height, data: Buffer.from(text, "base64") };
  }

  async stop() {
    await this.chromium.close();
  }
}

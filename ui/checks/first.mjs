// The first page that a new reader sees: how soon, how light, and from where.
import assert from "node:assert/strict";
import { median, within } from "./times.mjs";

/** Largest paint and end of the last long task, by the page's clock, and what was loaded until then. */
async function painted(page) {
  return page.evaluate(async () => {
    const entries = (type) =>
      new Promise((done) => {
        const seen = new PerformanceObserver((list) => done(list.getEntries()));
        seen.observe({ type, buffered: true });
      });
    const paint = (await entries("largest-contentful-paint")).at(-1);
    const what = paint.element?.closest("main, nav, header, form")?.tagName ?? "";
    const loaded = performance.getEntriesByType("resource");
    const scripts = loaded.filter(({ name }) => /\.m?js(\?|$)/.test(name));
    return {
      millis: paint.startTime,
      what,
      // What came over the wire, headers included; and what it is without compression.
      wire: scripts.reduce((sum, { transferSize }) => sum + transferSize, 0),
      plain: scripts.reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
      names: scripts.map(({ name }) => name),
    };
  });
}

export async function checkFirst({ check, base, browser }) {
  await check("the first page is there within a second, light, and from here alone", async () => {
    const { origin } = new URL(base);
    const seen = [];
    const millis = await median(async () => {
      // A context of its own: nothing is in its cache.
      const page = await browser.page();
      try {
        const asked = [];
        const answers = [];
        page.on("request", (request) => asked.push(request.url()));
        page.on("response", (response) => answers.push(response));
        await page.goto(`${base}/search`);
        // Interactive: what is typed is written.
        const field = page.getByRole("textbox", { name: "TraceQL", exact: true });
        await field.fill("{ status = error }");
        await page.waitForLoadState("networkidle");
        const found = await painted(page);
        const scripts = answers.filter((answer) => found.names.includes(answer.url()));
        const encodings = new Set(scripts.map((answer) => answer.headers()["content-encoding"]));
        seen.push({ ...found, asked, encodings: [...encodings], scripts: scripts.length });
        return found.millis;
      } finally {
        await page.context().close();
      }
    });
    within(millis, 1000, "largest contentful paint");
    for (const { asked, wire, plain, encodings, scripts, names } of seen) {
      for (const url of asked) assert.equal(new URL(url).origin, origin, `asks ${url}`);
      assert.ok(asked.length >= 3, `${asked.length} requests`);
      assert.ok(scripts > 0 && scripts === names.length, `${scripts} of ${names.length} scripts are told`);
      assert.deepEqual(encodings, ["gzip"]);
      // More than is possible in so little would mean that they came from a cache.
      assert.ok(wire > plain / 10, `${wire} bytes for ${plain}`);
      assert.ok(wire <= 90_000, `${wire} bytes of scripts: ${names}`);
    }
    console.log(`        scripts: ${Math.max(...seen.map(({ wire }) => wire)).toLocaleString("en")} bytes`);
  });
}

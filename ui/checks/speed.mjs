// Large traces, and the first page: how long readers wait for them, and for how many bytes.
import assert from "node:assert/strict";
import { clockWhen, isBenchmark, median, within } from "./times.mjs";

const SKELETON_BYTES_MAX = 1_200_000;

/** Rows are there and the small picture is drawn, from its left to its right: when, by the page's clock. */
function opened() {
  const canvas = document.querySelector("[role=img][aria-label^='The whole trace'] canvas");
  if (!canvas || canvas.width === 0 || !document.querySelector("[role=treegrid] [role=row]")) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const columns = new Uint8Array(canvas.width);
  data.forEach((value, i) => {
    if (i % 4 === 3 && value > 0) columns[(i >> 2) % canvas.width] = 1;
  });
  return columns.every((isDrawn) => isDrawn) && performance.now();
}

/** There are as many rows as spans, and each in sight has its name and its bar: when, by the page's clock. */
function completed(n) {
  const grid = document.querySelector("[role=treegrid]");
  if (grid?.getAttribute("aria-rowcount") !== String(n)) return false;
  const view = grid.parentElement;
  const canvas = view.parentElement.querySelector(":scope > canvas");
  const context = canvas.getContext("2d");
  // Between bars there are only the lines of the axis.
  const inked = (y) => {
    const { data } = context.getImageData(0, y, canvas.width, 1);
    return data.reduce((sum, value, i) => sum + (i % 4 === 3 && value > 0 ? 1 : 0), 0);
  };
  for (let row = 0; row < Math.floor(view.clientHeight / 24); row++) {
    const name = grid.querySelector(`[role=row][aria-rowindex='${row + 1}']`)?.textContent;
    if (!/\w+ ?operation-\d/.test(name ?? "") || inked(row * 24 + 12) <= inked(row * 24 + 1)) return false;
  }
  return performance.now();
}

export async function checkSpeed({ check, base, browser, traces }) {
  const fresh = async (look) => {
    const page = await browser.page();
    try {
      return await look(page);
    } finally {
      await page.context().close();
    }
  };

  await check("the first page is there within a second, and is light", async () => {
    const scripts = [];
    const millis = await median(() =>
      fresh(async (page) => {
        await page.goto(`${base}/search`);
        await page.waitForLoadState("networkidle");
        const [painted, bytes] = await page.evaluate(async () => {
          const entries = await new Promise((done) => {
            new PerformanceObserver((list) => done(list.getEntries())).observe({
              type: "largest-contentful-paint",
              buffered: true,
            });
          });
          const loaded = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
          return [
            entries.at(-1).startTime,
            loaded.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
          ];
        });
        scripts.push(bytes);
        return painted;
      }),
    );
    within(millis, 1000, "largest contentful paint");
    assert.ok(scripts[0] > 10_000 && Math.max(...scripts) <= 90_000, `${scripts} bytes of scripts`);
  });

  // Until the first rows and the small picture are there, and until the waterfall is as it stays: for the latter, a
  // benchmark has a bar of its own.
  for (const [trace, opens, completes] of [
    [traces.tenThousand, 1000, 1000],
    [traces.hundredThousand, 2500, isBenchmark ? 1000 : 2500],
  ]) {
    const n = trace.spans.length;
    const count = n.toLocaleString("en");
    await check(`a trace of ${count} spans is there in time`, async () => {
      let bytes = 0;
      const all = [];
      const first = await median(() =>
        fresh(async (page) => {
          await page.goto(`${base}/trace/${trace.traceId}`, { waitUntil: "commit" });
          const at = await clockWhen(page, opened);
          all.push(await clockWhen(page, completed, n));
          bytes = await page.evaluate(
            () =>
              performance.getEntriesByType("resource").find(({ name }) => /\/skeleton(\?|$)/.test(name))
                .encodedBodySize,
          );
          return at;
        }),
      );
      within(first, opens, `first rows of ${count} spans`);
      within(await median(() => all.shift()), completes, `the whole waterfall of ${count} spans`);
      console.log(`        ${count} spans: skeleton of ${bytes.toLocaleString("en")} bytes`);
      assert.ok(bytes > n && bytes <= SKELETON_BYTES_MAX, `skeleton of ${bytes} bytes`);
    });
  }
}

// Large traces, and the first page: how long readers wait for them.
import assert from "node:assert/strict";
import { spanId, WANTED } from "./fixtures.mjs";
import { clockWhen, median, within } from "./times.mjs";

/** Rows are there and something is drawn in the small picture: when, by the page's clock. */
function opened() {
  const canvas = document.querySelector("[role=img][aria-label^='The whole trace'] canvas");
  if (!canvas || canvas.width === 0 || !document.querySelector("[role=treegrid] [role=row]")) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, i) => i % 4 === 3 && value > 0) && performance.now();
}

/** `large` are traces that the server has: of ten thousand and of a hundred thousand spans. */
export async function checkSpeed({ check, base, browser, large }) {
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
    assert.ok(scripts[0] > 10_000 && Math.max(...scripts) <= 100_000, `${scripts} bytes of scripts`);
  });

  for (const [trace, bar] of [
    [large.tenThousand, 1000],
    [large.hundredThousand, 2500],
  ]) {
    const count = trace.spans.length.toLocaleString("en");
    await check(`a trace of ${count} spans is there in time`, async () => {
      let bytes = 0;
      const millis = await median(() =>
        fresh(async (page) => {
          await page.goto(`${base}/trace/${trace.traceId}`, { waitUntil: "commit" });
          const at = await clockWhen(page, opened);
          bytes = await page.evaluate(
            () =>
              performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/skeleton"))
                .encodedBodySize,
          );
          return at;
        }),
      );
      within(millis, bar, `${count} spans`);
      console.log(`        ${count} spans: skeleton of ${bytes.toLocaleString("en")} bytes`);
      assert.ok(bytes > 0 && bytes <= 1_200_000, `skeleton of ${bytes} bytes`);
    });
  }

  await check(
    "a hundred thousand spans scroll smoothly, without blank rows, in little memory",
    async (page) => {
      await page.goto(`${base}/trace/${large.hundredThousand.traceId}`);
      await page.locator("[role=treegrid] [role=row]").first().waitFor();
      const box = await page.locator("[role=treegrid]").boundingBox();
      await page.mouse.move(box.x + 600, Math.min(700, box.y + 200));
      await page.evaluate(() => {
        const scroller = document.querySelector("[role=treegrid]").parentElement;
        const { left, top, height } = scroller.getBoundingClientRect();
        const seen = { deltas: [], blanks: 0, looks: 0, elements: 0 };
        window.scrolled = seen;
        let before = performance.now();
        const frame = (now) => {
          seen.deltas.push(now - before);
          before = now;
          // As a reader sees it: at three heights, in every tenth frame.
          if (seen.deltas.length % 10 === 0) {
            for (const share of [0.1, 0.5, 0.9]) {
              const there = document.elementFromPoint(left + 100, top + Math.min(height, 600) * share);
              seen.looks++;
              if (!there?.closest("[role=row]")) seen.blanks++;
            }
            seen.elements = Math.max(seen.elements, document.querySelectorAll("*").length);
          }
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      });
      const before = Date.now();
      while (Date.now() - before < 5000) {
        await page.mouse.wheel(0, 8000);
        await page.waitForTimeout(8);
      }
      const { deltas, blanks, looks, elements, heap, top } = await page.evaluate(() => ({
        ...window.scrolled,
        heap: performance.memory.usedJSHeapSize,
        top: document.querySelector("[role=treegrid]").parentElement.scrollTop,
      }));
      deltas.sort((a, b) => a - b);
      const p95 = deltas[Math.floor(deltas.length * 0.95)];
      assert.ok(top > 500_000, `scrolled to ${top}`);
      within(p95, 25, `p95 of ${deltas.length} frames`);
      assert.ok(looks > 30 && blanks === 0, `${blanks} blank of ${looks}`);
      assert.ok(elements < 2500, `${elements} elements`);
      assert.ok(heap < 200e6, `${heap} bytes of JavaScript`);
    },
  );

  await check("what ten thousand spans have is found at once, and marked", async (page) => {
    const n = large.tenThousand.spans.filter(({ attributes }) => attributes["some.key"] === WANTED).length;
    await page.goto(`${base}/trace/${large.tenThousand.traceId}`);
    await page.locator("[role=treegrid] [role=row]").first().waitFor();
    const counter = "[role=search] [role=status]";
    const millis = await median(async () => {
      await page.keyboard.press("/");
      await page.keyboard.press("Control+a");
      await page.keyboard.press("Backspace");
      await page.waitForFunction((counter) => !document.querySelector(counter)?.textContent, counter);
      await page.evaluate(
        ([counter, n]) => {
          addEventListener(
            "input",
            () => {
              const from = performance.now();
              const look = () => {
                if (document.querySelector(counter)?.textContent === n)
                  window.found = performance.now() - from;
                else requestAnimationFrame(look);
              };
              window.found = undefined;
              look();
            },
            { once: true },
          );
        },
        [counter, String(n)],
      );
      await page.keyboard.insertText(WANTED);
      return clockWhen(page, () => window.found);
    });
    within(millis, 300, "the first result");
    // Matches are the lowest line of the small picture, in a color of their own.
    const marked = await page.evaluate(() => {
      const canvas = document.querySelector("[role=img][aria-label^='The whole trace'] canvas");
      const context = canvas.getContext("2d");
      const { data } = context.getImageData(0, canvas.height - 2, canvas.width, 1);
      return data.some((value, i) => i % 4 === 3 && value > 0);
    });
    assert.ok(marked, "no marks in the small picture");
    await page.keyboard.press("Enter");
    const first = () => new URL(page.url()).searchParams.get("span");
    await page.waitForURL(/span=/);
    const begun = first();
    await page.keyboard.press("Escape");
    for (let i = 0; i < n; i++) {
      await page.keyboard.press("n");
      await page.waitForFunction(() => {
        const row = document.querySelector("[role=row][aria-selected=true]")?.getBoundingClientRect();
        const view = document.querySelector("[role=treegrid]").parentElement.getBoundingClientRect();
        return row && row.top >= view.top && row.bottom <= Math.min(view.bottom, innerHeight);
      });
    }
    await page.waitForURL((url) => url.searchParams.get("span") === begun);
  });

  await check("the details of a span are there at once", async (page) => {
    const trace = large.tenThousand;
    await page.goto(`${base}/trace/${trace.traceId}`);
    await page.locator("[role=treegrid] [role=row]").first().waitFor();
    let row = 0;
    const millis = await median(async () => {
      row++;
      await page.evaluate((row) => {
        const from = performance.now();
        const before = document.querySelector("aside[aria-label=Span]")?.textContent;
        window.shown = undefined;
        document.querySelector(`[role=row][aria-rowindex='${row}']`).click();
        const look = () => {
          const panel = document.querySelector("aside[aria-label=Span]");
          const isThere = panel && panel.textContent !== before && /thread\.id/.test(panel.textContent);
          if (isThere) window.shown = performance.now() - from;
          else requestAnimationFrame(look);
        };
        look();
      }, row + 1);
      return clockWhen(page, () => window.shown);
    });
    within(millis, 150, "the details");
    const shown = await page.locator("aside[aria-label=Span]").textContent();
    for (const key of Object.keys(trace.spans[1].attributes)) assert.ok(shown.includes(key), key);
    assert.match(new URL(page.url()).searchParams.get("span") ?? spanId(0), /^[0-9a-f]{16}$/);
  });
}

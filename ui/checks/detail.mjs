// One span and everything about it: its attributes as they were sent, and what can be done with them.
import assert from "node:assert/strict";
import { spanId } from "./fixtures.mjs";
import { openTrace, panel, param, skeletonOf } from "./looking.mjs";
import { clockWhen, median, within } from "./times.mjs";

export async function checkDetail({ check, base, traces }) {
  const open = (page, trace, query) => openTrace(page, base, trace, query);

  await check("all attributes of a span are there at once", async (page) => {
    const trace = traces.tenThousand;
    await open(page, trace);
    const { ids } = await skeletonOf(base, trace.traceId);
    const byId = new Map(trace.spans.map((span) => [spanId(span.i), span]));
    let row = 1;
    const millis = await median(async () => {
      row++;
      const { attributes, service } = byId.get(ids[row - 1]);
      const wanted = Object.entries({ ...attributes, "service.name": service }).map((pair) =>
        pair.join("\n"),
      );
      const selector = `[role=treegrid] [role=row][aria-rowindex='${row}']`;
      await page.evaluate(timeToShow, [selector, ids[row - 1], wanted]);
      return clockWhen(page, () => window.shown);
    });
    within(millis, 150, "the details");
  });

  await check(
    "ids of spans come behind the picture, and a span that was chosen before has one then",
    async (page) => {
      const trace = traces.tenThousand;
      const held = [];
      await page.route("**/span-ids", (route) => {
        held.push(route);
      });
      const asked = page.waitForRequest("**/span-ids");
      await open(page, trace);
      await asked;
      await page.locator("[role=treegrid] [role=row][aria-rowindex='5']").click();
      await panel(page).getByLabel("Loading").waitFor();
      assert.equal(param(page, "span"), null);
      await Promise.all(held.map((route) => route.continue()));
      await panel(page).locator("table").first().waitFor();
      const { ids } = await skeletonOf(base, trace.traceId);
      await page.waitForURL((url) => url.searchParams.get("span") === ids[4]);
    },
  );

  await check("a value is searched for everywhere, and leads to its traces", async (page) => {
    const trace = traces.tenThousand;
    const span = trace.spans.find(({ isError }) => isError);
    await open(page, trace, `?span=${spanId(span.i)}`);
    await panel(page).getByRole("link", { name: "Traces with this http.status_code" }).click();
    const q = `{ span.http.status_code = ${span.attributes["http.status_code"]} }`;
    await page.waitForURL((url) => url.pathname === "/search" && url.searchParams.get("q") === q);
    await page.locator(`tbody tr a[href*='${trace.traceId}']`).first().waitFor();
    const field = page.getByRole("textbox", { name: "TraceQL", exact: true });
    assert.equal(await field.inputValue(), q);
  });

  await check("values are shown and copied exactly as they were sent", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(page, traces.values, `?span=${spanId(0)}`);
    const { attributes } = traces.values.spans[0];
    await panel(page).locator("table").first().waitFor();
    for (const [key, value] of Object.entries(attributes)) {
      const line = panel(page)
        .locator("tr")
        .filter({ has: page.getByText(key, { exact: true }) });
      assert.equal(
        await line
          .locator("td")
          .first()
          .evaluate((cell) => cell.textContent),
        String(value),
        key,
      );
      await page.evaluate(() => navigator.clipboard.writeText("nothing"));
      await line.getByRole("button", { name: `Copy ${key}` }).click();
      await page.waitForFunction(async () => (await navigator.clipboard.readText()) !== "nothing");
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), String(value), key);
    }
  });

  await check("links are followed in both directions", async (page) => {
    await open(page, traces.repeats, `?span=${spanId(0)}`);
    await page.getByRole("tab", { name: /Links/i }).click();
    await page.getByRole("link", { name: traces.ten.traceId }).click();
    await page.waitForURL(new RegExp(`/trace/${traces.ten.traceId}\\?.*span=${spanId(3)}`));
    await panel(page).getByRole("tab", { name: /Links/i }).click();
    await panel(page)
      .getByRole("link", { name: /POST \/pay/ })
      .waitFor();
  });
}

/** Selects a row; `window.shown` has the milliseconds until its panel has the span's id and all of these lines. */
function timeToShow([row, id, wanted]) {
  const from = performance.now();
  window.shown = undefined;
  document.querySelector(row).click();
  const look = () => {
    const lines = [...document.querySelectorAll("aside[aria-label=Span] table tr")].map(
      ({ children: [key, value] }) => `${key.textContent}\n${value.textContent}`,
    );
    if (lines.includes(`span id\n${id}`) && wanted.every((line) => lines.includes(line)))
      window.shown = performance.now() - from;
    else requestAnimationFrame(look);
  };
  look();
}

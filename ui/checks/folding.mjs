// Rows that are closed, opened and folded, in traces whose shape is known.
import assert from "node:assert/strict";
import { REPEATS, spanId } from "./fixtures.mjs";
import {
  everyRow,
  hasRows,
  isSelectionInSight,
  openTrace,
  param,
  rowCount,
  rows,
  selectedRow,
  skeletonOf,
} from "./looking.mjs";

export async function checkFolding({ check, base, traces }) {
  const open = (page, trace, query) => openTrace(page, base, trace, query);

  await check("a parent is closed and opened with all below it", async (page) => {
    const { spans } = traces.tenThousand;
    const below = new Map(spans.map((span) => [span, 0]));
    for (const span of spans) for (let at = span.parent; at; at = at.parent) below.set(at, below.get(at) + 1);
    const isWanted = (span) => span.level > 3 && below.get(span) > 20 && below.get(span) < 400;
    // Far down, so that what is in sight matters.
    const parent = spans.findLast(isWanted);
    const { ids } = await skeletonOf(base, traces.tenThousand.traceId);
    const position = ids.indexOf(spanId(parent.i));
    await open(page, traces.tenThousand, `?span=${spanId(parent.i)}`);
    const isKept = async (expanded) => {
      await isSelectionInSight(page, position);
      assert.equal(await selectedRow(page).getAttribute("aria-expanded"), expanded);
      assert.equal(param(page, "span"), spanId(parent.i));
    };
    await isKept("true");
    for (let k = 0; k < 2; k++) {
      await page.keyboard.press("ArrowLeft");
      await hasRows(page, spans.length - below.get(parent));
      await isKept("false");
      await page.keyboard.press("ArrowRight");
      await hasRows(page, spans.length);
      await isKept("true");
    }
  });

  await check(
    "closing all leaves one row, which is selected, and opening all has every one",
    async (page) => {
      const { spans, traceId } = traces.tenThousand;
      await open(page, traces.tenThousand, `?span=${spanId(9000)}`);
      const { ids } = await skeletonOf(base, traceId);
      await isSelectionInSight(page, ids.indexOf(spanId(9000)));
      await page.keyboard.press("[");
      await hasRows(page, 1);
      await isSelectionInSight(page, 0);
      assert.equal(await rows(page).count(), 1);
      await page.keyboard.press("]");
      await hasRows(page, spans.length);
      await isSelectionInSight(page, 0);
    },
  );

  await check("equal calls are one row with their sum, until it is opened", async (page) => {
    const { spans } = traces.repeats;
    const calls = spans.filter(({ name }) => name === "SELECT items");
    assert.equal(calls.length, REPEATS);
    const sum = calls.reduce((all, { duration }) => all + duration, 0);
    await open(page, traces.repeats);
    assert.equal(await rowCount(page), spans.length - REPEATS + 1);
    const folded = page.locator("[role=row][aria-expanded=false]");
    assert.equal(await folded.count(), 1);
    await folded.getByText(`×${REPEATS}`, { exact: true }).waitFor();
    assert.equal(await folded.getAttribute("aria-label"), `cart SELECT items, ${Math.round(sum / 1e6)} ms`);
    await folded.click();
    await hasRows(page, spans.length);
    const opened = (await everyRow(page)).filter(({ text }) => text.includes("SELECT items"));
    assert.equal(opened.length, REPEATS);
    assert.ok(opened.every(({ text }) => !text.includes("×")));
  });
}

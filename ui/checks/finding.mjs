// Finding, filtering and going through errors in a trace of ten thousand spans whose facts are known.
import assert from "node:assert/strict";
import { spanId, WANTED } from "./fixtures.mjs";
import {
  everyRow,
  found,
  hasRows,
  isSelectionInSight,
  openTrace,
  param,
  positionOfRow,
  selectedRow,
  skeletonOf,
  withAncestors,
} from "./looking.mjs";
import { clockWhen, median, within } from "./times.mjs";

const FILTER = "{ status = error }";

export async function checkFinding({ check, base, traces }) {
  const trace = traces.tenThousand;
  const open = (page, query) => openTrace(page, base, trace, query);
  const skeleton = await skeletonOf(base, trace.traceId);
  const positions = new Map(skeleton.ids.map((id, position) => [id, position]));
  const positionsOf = (spans) => spans.map(({ i }) => positions.get(spanId(i))).sort((a, b) => a - b);
  const errors = trace.spans.filter(({ isError }) => isError);

  await check("what ten thousand spans have is found at once, marked, and gone through", async (page) => {
    const wanted = positionsOf(
      trace.spans.filter(({ attributes }) => Object.values(attributes).includes(WANTED)),
    );
    assert.ok(wanted.length > 5 && !wanted.includes(undefined), `${wanted}`);
    await open(page);
    assert.deepEqual(await marks(page), [], "marks before anything is looked for");
    within(await median(() => timeToFind(page, WANTED, wanted.length)), 300, "the first result");
    const { width } = await smallPicture(page).boundingBox();
    const whole = trace.spans[0].duration;
    const places = wanted.map((position) => Math.floor((skeleton.starts[position] / whole) * width));
    assert.deepEqual(await marks(page), [...new Set(places.flatMap((x) => [x, x + 1]))].sort(ascending));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    for (let k = 0; k <= wanted.length; k++) {
      const at = k % wanted.length;
      await isSelectionInSight(page, wanted[at]);
      await found(page)
        .getByText(`${at + 1}/${wanted.length}`, { exact: true })
        .waitFor();
      if (k < wanted.length) await page.keyboard.press("n");
    }
    await page.waitForURL((url) => url.searchParams.get("span") === skeleton.ids[wanted[0]]);
    await page.keyboard.press("N");
    await isSelectionInSight(page, wanted.at(-1));
  });

  await check("hiding leaves the errors and what is above them, dimming all", async (page) => {
    const failed = positionsOf(errors);
    const kept = withAncestors(skeleton, failed);
    assert.ok(kept.length > failed.length && kept.length < trace.spans.length / 2, `${kept.length} kept`);
    // Every row is read: on a tall screen that takes fewer steps.
    await page.setViewportSize({ width: 1440, height: 3000 });
    await open(page);
    await page.keyboard.press("/");
    await page.keyboard.insertText(FILTER);
    await page.getByRole("radio", { name: "Hide", disabled: false }).waitFor();
    await page.getByRole("radio", { name: "Hide" }).click();
    const isCounted = () => found(page).getByText(String(failed.length), { exact: true }).waitFor();
    const isHidden = async () => {
      await isCounted();
      await hasRows(page, kept.length);
      const shown = await everyRow(page);
      assert.deepEqual(shown.map(positionOfRow), kept);
      const matched = shown.filter(({ match }) => match === "yes").map(positionOfRow);
      assert.deepEqual(matched, failed, "what matches is in full color, what is above it is not");
      await page.waitForURL(({ searchParams: at }) => at.get("f") === FILTER && at.get("hide") === "1");
    };
    await isHidden();
    await page.reload();
    await isHidden();
    await page.getByRole("radio", { name: "Dim" }).click();
    const isDimmed = async () => {
      await isCounted();
      await hasRows(page, trace.spans.length);
      await page.waitForURL(({ searchParams: at }) => at.get("f") === FILTER && !at.has("hide"));
    };
    await isDimmed();
    await page.reload();
    await isDimmed();
    const shown = await everyRow(page);
    assert.deepEqual(
      shown.map(positionOfRow),
      trace.spans.map((_, position) => position),
    );
    const matched = shown.filter(({ match }) => match !== "no").map(positionOfRow);
    assert.deepEqual(matched, failed);
    const causes = shown.filter(({ text }) => text.includes("root cause"));
    assert.deepEqual(causes.map(positionOfRow), [positions.get(spanId(deepestFirst(errors)[0].i))]);
  });

  await check("errors come deepest first, then in time, and the first has begun it all", async (page) => {
    const isAbove = new Set();
    for (const span of errors) for (let at = span.parent; at; at = at.parent) isAbove.add(at);
    const order = deepestFirst(errors);
    assert.ok(order.length > 100 && order.some((span) => isAbove.has(span)), `${order.length} errors`);
    await open(page);
    for (const [k, span] of order.entries()) {
      await page.keyboard.press("e");
      await isSelectionInSight(page, positions.get(spanId(span.i)));
      const badge = isAbove.has(span) ? null : k === 0 ? "root cause" : "origin";
      const [, said = null] = /(root cause|origin)/.exec(await selectedRow(page).textContent()) ?? [];
      assert.equal(said, badge, `error ${k + 1}, ${spanId(span.i)}`);
    }
    await page.keyboard.press("e");
    await isSelectionInSight(page, positions.get(spanId(order[0].i)));
    await page.waitForURL((url) => url.searchParams.get("span") === spanId(order[0].i));
    await page.keyboard.press("E");
    await isSelectionInSight(page, positions.get(spanId(order.at(-1).i)));
    await page.waitForURL(() => param(page, "span") === spanId(order.at(-1).i));
  });
}

const ascending = (a, b) => a - b;
const deepestFirst = (spans) => [...spans].sort((a, b) => b.level - a.level || a.start - b.start);
const smallPicture = (page) => page.locator("[role=img][aria-label^='The whole trace']");

/** Pixels from the left at which the small picture has marks of matches: its lowest lines have nothing else. */
const marks = (page) =>
  smallPicture(page)
    .locator("canvas")
    .evaluate((canvas) => {
      const context = canvas.getContext("2d");
      const { data } = context.getImageData(0, canvas.height - 2, canvas.width, 1);
      return Array.from({ length: canvas.width }, (_, x) => x).filter((x) => data[4 * x + 3] > 0);
    });

/** Milliseconds from the last key until the page says how many there are. */
async function timeToFind(page, text, n) {
  const counter = "[role=search] [role=status]";
  await page.keyboard.press("/");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace");
  await page.waitForFunction((counter) => !document.querySelector(counter)?.textContent, counter);
  await page.evaluate(
    ([counter, n]) => {
      const begin = () => {
        const from = performance.now();
        const look = () => {
          if (document.querySelector(counter)?.textContent === n) window.found = performance.now() - from;
          else requestAnimationFrame(look);
        };
        window.found = undefined;
        look();
      };
      addEventListener("input", begin, { once: true });
    },
    [counter, String(n)],
  );
  await page.keyboard.insertText(text);
  return clockWhen(page, () => window.found);
}

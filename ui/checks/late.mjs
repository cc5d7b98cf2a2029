// Spans that arrive while somebody looks at their trace, and a trace that is opened before it is there.
import assert from "node:assert/strict";
import { send, spanId } from "./fixtures.mjs";

const rows = (page) => page.locator("[role=treegrid] [role=row]");
const hasRows = (page, n) =>
  page.waitForFunction(
    (n) => document.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount") === String(n),
    n,
  );
const param = (page, name) => new URL(page.url()).searchParams.get(name);

const CALLS = 60;

/** A trace of now: a root, a service below it, and its calls, one after the other. */
function calls(digit) {
  const startMillis = Date.now();
  const plain = { attributes: {}, events: [], isError: false };
  const root = { ...plain, i: 0, parent: null, start: 0, duration: 2e9, service: "front", name: "GET /" };
  const cart = { ...plain, i: 1, parent: root, start: 5e6, duration: 1.9e9, service: "cart", name: "load" };
  const all = Array.from({ length: CALLS }, (_, k) => {
    const [start, duration] = [(10 + 30 * k) * 1e6, 20e6];
    return { ...plain, i: 2 + k, parent: cart, start, duration, service: "db", name: `call ${k}` };
  });
  const traceId = digit.repeat(20) + startMillis.toString(16).padStart(12, "0");
  const of = (spans) => ({ traceId, startMillis, startNanos: BigInt(startMillis) * 1_000_000n, spans });
  // What came first lacks its parents; what comes later is above, between and below it.
  const early = of(all.filter((_, k) => k % 2 === 0));
  return { traceId, early, late: of([root, cart, ...all.filter((_, k) => k % 2 === 1)]), all };
}

/** How far below the top of the rows a span's row is painted. */
const placeOf = (page, id) =>
  page.evaluate((id) => {
    const row = document.querySelector("[role=row][aria-selected=true]");
    const box = document.querySelector("[role=treegrid]").parentElement;
    const isIt = new URL(location.href).searchParams.get("span") === id;
    return isIt ? row.getBoundingClientRect().top - box.getBoundingClientRect().top : null;
  }, id);

export async function checkLate({ check, base, otlp: endpoint }) {
  await check("late spans are added, and what the reader did stays", async (page) => {
    const { traceId, early, late } = calls("a");
    await send(endpoint, early);
    await page.setViewportSize({ width: 1440, height: 560 });
    await page.goto(`${base}/trace/${traceId}`);
    await rows(page).first().waitFor();
    await hasRows(page, early.spans.length + 1);
    await page.getByText(`${early.spans.length} missing parents`).waitFor();
    const chosen = early.spans.at(-3);
    const row = page.getByRole("row", { name: `db ${chosen.name},` });
    await page.locator("[role=treegrid]").hover();
    await page.mouse.wheel(0, 10_000);
    await row.click();
    await page.keyboard.press("f");
    await page.waitForURL(/z=/);
    await page.locator("[role=row][aria-selected=true]").focus();
    const [place, zoom] = [await placeOf(page, spanId(chosen.i)), param(page, "z")];
    await send(endpoint, late);
    const n = early.spans.length + late.spans.length;
    await hasRows(page, n);
    await page.getByRole("status").getByText(`${late.spans.length} more spans, ${n} in all`).waitFor();
    assert.equal(await placeOf(page, spanId(chosen.i)), place, "the row stays where it was");
    assert.equal(param(page, "span"), spanId(chosen.i));
    assert.match(await page.evaluate(() => document.activeElement.ariaLabel), new RegExp(`${chosen.name},`));
    assert.equal(await page.getByText(/missing parents/).count(), 0);
    await page.getByText(`${n} spans · 3 services · depth 3`).waitFor();
    // The trace began earlier than the page knew: the same time is farther from its start.
    const moved = early.spans[0].start;
    const shifted = zoom.split("-").map((nanos) => Number(nanos) + moved);
    await page.waitForURL((url) => url.searchParams.get("z") === shifted.join("-"));
  });

  await check("late spans wait while the reader wants the trace to stand still", async (page) => {
    const { traceId, early, late } = calls("b");
    await send(endpoint, early);
    await page.goto(`${base}/trace/${traceId}`);
    await page.getByRole("button", { name: "live" }).click();
    await send(endpoint, late);
    const resume = page.getByRole("button", { name: "paused" });
    await resume.waitFor();
    await hasRows(page, early.spans.length + 1);
    await resume.click();
    await hasRows(page, early.spans.length + late.spans.length);
    await page.getByRole("button", { name: `live +${late.spans.length}` }).waitFor();
  });

  await check("a trace that is opened before it arrives is looked for again", async (page) => {
    const { traceId, late } = calls("c");
    await page.goto(`${base}/trace/${traceId}?span=${spanId(1)}`);
    await page.getByText("not received yet, looking again").waitFor();
    await send(endpoint, late);
    await page.locator("[role=row][aria-selected=true]").waitFor();
    assert.equal(param(page, "span"), spanId(1));
  });
}

// What checks of a trace's page share: its rows, its address, and what the server says of the trace.

export const rows = (page) => page.locator("[role=treegrid] [role=row]");
export const grid = (page) => page.locator("[role=treegrid]");
export const selectedRow = (page) => page.locator("[role=treegrid] [role=row][aria-selected=true]");
export const panel = (page) => page.locator("aside[aria-label=Span]");
export const found = (page) => page.locator("[role=search] [role=status]");
export const param = (page, name) => new URL(page.url()).searchParams.get(name);
export const rowCount = async (page) => Number(await grid(page).getAttribute("aria-rowcount"));
export const hasRows = (page, n) =>
  page.waitForFunction(
    (n) => document.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount") === String(n),
    n,
  );

/** Goes to a trace, and waits for its rows. */
export async function openTrace(page, base, { traceId }, query = "") {
  await page.goto(`${base}/trace/${traceId}${query}`);
  await rows(page).first().waitFor();
}

/** Whether the selected row is in sight, all of it; of the span at `position` when that is given. */
export const isSelectionInSight = (page, position = null) =>
  page.waitForFunction((position) => {
    const row = document.querySelector("[role=treegrid] [role=row][aria-selected=true]");
    if (!row || (position !== null && row.id !== `row-${position}`)) return false;
    const { left, top, bottom, height } = row.getBoundingClientRect();
    const view = document.querySelector("[role=treegrid]").parentElement.getBoundingClientRect();
    const isInside = top >= view.top && bottom <= Math.min(view.bottom, innerHeight);
    return isInside && row.contains(document.elementFromPoint(left + 200, top + height / 2));
  }, position);

/** Every row from top to bottom as it is in the document, gone through by scrolling. */
export async function everyRow(page) {
  const read = await page.evaluate(async () => {
    const grid = document.querySelector("[role=treegrid]");
    const n = Number(grid.getAttribute("aria-rowcount"));
    const rows = new Map();
    let seen = performance.now();
    for (let next = 1; next <= n && performance.now() - seen < 10_000; ) {
      for (const row of grid.querySelectorAll("[role=row]")) {
        rows.set(Number(row.ariaRowIndex), {
          id: row.id,
          label: row.ariaLabel,
          level: row.ariaLevel,
          expanded: row.ariaExpanded,
          text: row.textContent,
          match: row.dataset.match ?? null,
        });
      }
      if (rows.has(next)) seen = performance.now();
      while (rows.has(next)) next++;
      grid.parentElement.scrollTop = (next - 1) * 24;
      await new Promise((done) => requestAnimationFrame(done));
    }
    return Array.from({ length: n }, (_, i) => rows.get(i + 1) ?? null);
  });
  if (read.includes(null)) throw new Error(`row ${read.indexOf(null) + 1} of ${read.length} is not there`);
  return read;
}

/** The position of the span that a row is about. */
export const positionOfRow = ({ id }) => Number(id.slice("row-".length));

/** A trace as the server describes it to pages: columns by position, and the sections of its critical path. */
export async function skeletonOf(base, traceId) {
  const buffer = await (await fetch(`${base}/api/ui/traces/${traceId}/skeleton`)).arrayBuffer();
  const length = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(Buffer.from(buffer, 8, length).toString());
  let at = Math.ceil((8 + length) / 8) * 8;
  const column = (Type, count = header.nSpans) => {
    const made = new Type(buffer, at, count);
    at += Math.ceil((count * Type.BYTES_PER_ELEMENT) / 8) * 8;
    return made;
  };
  const ids = column(BigUint64Array);
  const bytes = Buffer.from(buffer, ids.byteOffset, ids.byteLength);
  const columns = {
    ids: Array.from(ids, (_, i) => bytes.subarray(8 * i, 8 * i + 8).toString("hex")),
    starts: column(Float64Array),
    durations: column(Float64Array),
    parents: column(Int32Array),
    nameOf: column(Uint32Array),
    serviceOf: column(Uint32Array),
    events: column(Uint32Array),
    flags: column(Uint8Array),
  };
  const [of, from, to] = [Uint32Array, Float64Array, Float64Array].map((Type) =>
    column(Type, header.nSections),
  );
  const sections = Array.from(of, (span, i) => ({
    span,
    service: header.services[columns.serviceOf[span]],
    nanos: to[i] - from[i],
  }));
  return { header, ...columns, sections };
}

/** The positions of some spans and of all above them, in the order of rows. */
export function withAncestors({ parents }, positions) {
  const kept = new Set();
  for (const position of positions) for (let at = position; at >= 0; at = parents[at]) kept.add(at);
  return [...kept].sort((a, b) => a - b);
}

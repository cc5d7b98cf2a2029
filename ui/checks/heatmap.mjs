// The heatmap of a search: a box drawn in it is exactly its cells, and what is in it can be told from the rest.
import assert from "node:assert/strict";
import { send } from "./fixtures.mjs";
import { plantedTrace } from "./planted.mjs";

const encoded = encodeURIComponent;
const COLUMNS_WANTED = 90;
const BARE = { left: 56, bottom: 20 };

/** The cells that the page draws, from the answer that it got. */
function cellsOf(series) {
  const times = new Set();
  const bounds = new Set();
  const counts = new Map();
  for (const { labels, samples } of series) {
    const { value } = labels.find(({ key }) => key === "__bucket");
    const bound = Math.round(Number(Object.values(value)[0]) * 1e9);
    bounds.add(bound);
    for (const { timestampMs, value: count } of samples) {
      times.add(Number(timestampMs));
      if (count) counts.set(`${timestampMs} ${bound}`, count);
    }
  }
  const found = [...bounds].filter((bound) => bound > 0).sort((a, b) => a - b);
  // Durations between the lowest and the highest that no span has are rows as well.
  const rows = [];
  for (let bound = found[0]; bound <= found.at(-1); bound *= 2) rows.push(bound);
  const columns = [...times].sort((a, b) => a - b);
  return { columns, rows, step: columns[1] - columns[0], counts };
}

/** Opens a search, and returns the picture's cells and how to drag from the middle of one cell to that of another. */
async function heatmap(page, address) {
  const answered = page.waitForResponse((response) => {
    const url = new URL(response.url());
    return (
      url.pathname.endsWith("/metrics/query_range") &&
      /histogram_over_time/.test(url.searchParams.get("q")) &&
      !/status = error/.test(url.searchParams.get("q"))
    );
  });
  await page.goto(address);
  const { series } = await (await answered).json();
  const cells = cellsOf(series);
  await page.getByText("as a table").waitFor();
  const picture = page.getByRole("img", { name: /^Durations over time/ });
  const drawn = await picture.locator("canvas").boundingBox();
  const width = (drawn.width - BARE.left) / cells.columns.length;
  const height = (drawn.height - BARE.bottom) / cells.rows.length;
  const middle = (column, row) => [
    drawn.x + BARE.left + (column + 0.5) * width,
    drawn.y + drawn.height - BARE.bottom - (row + 0.5) * height,
  ];
  const drag = async (from, to) => {
    await page.mouse.move(...middle(...from));
    await page.mouse.down();
    await page.mouse.move(...middle(...to), { steps: 6 });
    await page.mouse.up();
    await page.waitForURL(/sel=/);
  };
  return { cells, drag, drawn, width, height };
}

export async function checkHeatmap({ check, base, otlp }) {
  await check("a box of the heatmap sets time and durations to the bounds of its cells", async (page) => {
    // A time that is over.
    const to = Math.floor(Date.now() / 1000);
    const search = `${base}/search?q=${encoded("{ kind = server }")}&from=${to - 3600}&to=${to}`;
    const { cells, drag, drawn, width, height } = await heatmap(page, search);
    const { columns, rows, step } = cells;
    assert.ok(
      columns.length >= COLUMNS_WANTED / 2 && rows.length >= 4,
      `${columns.length} by ${rows.length}`,
    );
    const last = columns.length - 1;
    // From the upper left to the lower right, and the other way.
    const [left, right, low, high] = [last - 7, last, 1, rows.length - 2];
    const wanted = [columns[left] - step, columns[right], rows[low] / 2, rows[high]];
    for (const [from, to] of [
      [
        [left, high],
        [right, low],
      ],
      [
        [right, low],
        [left, high],
      ],
    ]) {
      await page.goto(search);
      await page.getByText("as a table").waitFor();
      await drag(from, to);
      const sel = new URL(page.url()).searchParams.get("sel");
      assert.deepEqual(sel.split(/[-,]/).map(Number), wanted, sel);
    }
    // The box that is drawn is the cells, whatever was under the mouse.
    const frame = await page.locator("[class*=picked]").boundingBox();
    const near = (shown, wanted, what) =>
      assert.ok(Math.abs(shown - wanted) < 1.5, `${what}: ${shown} for ${wanted}`);
    near(frame.x, drawn.x + BARE.left + left * width, "left edge");
    near(frame.width, (right - left + 1) * width, "width");
    near(frame.y + frame.height, drawn.y + drawn.height - BARE.bottom - low * height, "lower edge");
    near(frame.height, (high - low + 1) * height, "height");
    const chosen = page.getByRole("group", { name: "The chosen box" });
    const compare = new URL(await chosen.getByRole("link", { name: "Compare" }).getAttribute("href"), base);
    const narrowed = `{ kind = server && duration > ${wanted[2]}ns && duration <= ${wanted[3]}ns }`;
    assert.equal(compare.searchParams.get("sel"), narrowed);
    assert.deepEqual(
      ["from", "to"].map((name) => Number(compare.searchParams.get(name))),
      wanted.slice(0, 2),
    );
    // The filters of the search itself, and they stay after a reload.
    await chosen.getByRole("button", { name: "Zoom" }).click();
    await page.waitForURL((url) => !url.searchParams.has("sel"));
    await page.reload();
    const zoomed = new URL(page.url()).searchParams;
    assert.equal(zoomed.get("q"), narrowed);
    assert.deepEqual([Number(zoomed.get("from")), Number(zoomed.get("to"))], wanted.slice(0, 2));
    await page.getByText("as a table").waitFor();
  });

  await check("a box around what is slow finds what was planted first, with its share", async (page) => {
    const { service, bad, others } = await plantedTrace(send, otlp);
    const q = `{ resource.service.name = "${service}" && span.shard != nil }`;
    const { cells, drag } = await heatmap(page, `${base}/search?q=${encoded(q)}`);
    const { columns, rows, counts } = cells;
    // Slow is what took longer than a second; everything of it is to be in the box.
    const filled = [...counts.keys()].map((key) => key.split(" ").map(Number));
    const slow = filled.filter(([, bound]) => bound / 2 >= 1e9);
    const place = (all, values) => values.map((value) => all.indexOf(value));
    const across = place(
      columns,
      filled.map(([time]) => time),
    );
    const up = place(
      rows,
      slow.map(([, bound]) => bound),
    );
    await drag([Math.min(...across), Math.max(...up)], [Math.max(...across), Math.min(...up)]);
    await page.getByRole("group", { name: "The chosen box" }).getByRole("link", { name: "Compare" }).click();
    await page.waitForURL(/\/compare\?/);
    const first = page.locator("section > ol > [data-attribute]").first();
    await first.waitFor();
    assert.equal(await first.getAttribute("data-attribute"), "span.version");
    const said = await first.textContent();
    const [, value, ofSelection, ofRest] =
      /(\S+) is ([\d.]+) % of the selection, ([\d.]+) % of the rest/.exec(said) ?? [];
    assert.match(value ?? said, /bad/);
    for (const [shown, wanted] of [
      [ofSelection, bad],
      [ofRest, others],
    ])
      assert.ok(Math.abs(Number(shown) - wanted) <= 1, `${shown} % for ${wanted} %: ${said}`);
  });
}

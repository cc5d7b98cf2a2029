// Traces with something wrong: parents that were never sent, and a clock that is behind.
import assert from "node:assert/strict";
import { ORPHANS, SKEW_NANOS } from "./fixtures.mjs";
import { everyRow, hasRows, openTrace, rowCount, rows } from "./looking.mjs";

export async function checkAilments({ check, base, traces }) {
  const open = (page, trace, query) => openTrace(page, base, trace, query);

  await check("spans without a parent are counted, explained, and under a row of their own", async (page) => {
    const { spans } = traces.orphans;
    await open(page, traces.orphans);
    await page.getByText(`${ORPHANS} missing parents`, { exact: true }).click();
    await page.getByText(new RegExp(`^${ORPHANS} spans name a parent that is not in this trace`)).waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await rowCount(page), spans.length + 1);
    const shown = (await everyRow(page)).map(({ label, level }) => `${level} ${label.replace(/,.*/, "")}`);
    const lost = spans.filter(({ missingParent }) => missingParent !== undefined);
    assert.equal(lost.length, ORPHANS);
    assert.deepEqual(shown, [
      "1 front GET /",
      "2 cart load",
      "1 Parent not received",
      ...lost.map(({ service, name }) => `2 ${service} ${name}`),
    ]);
    const group = page.getByRole("row", { name: `Parent not received, ${ORPHANS}` });
    await group.click();
    await hasRows(page, spans.length + 1 - ORPHANS);
    await group.click();
    await hasRows(page, spans.length + 1);
  });

  await check("a wrong clock is put right, and its bar moves by what it was wrong", async (page) => {
    await open(page, traces.skew);
    const [client, server, below] = traces.skew.spans;
    const moved = page.getByRole("button", { name: /adjusted|raw times/ });
    assert.match(await moved.textContent(), /2 spans adjusted/);
    const badges = rows(page).filter({ has: page.getByRole("img", { name: "clock adjusted" }) });
    assert.equal(await badges.count(), 2);
    const adjusted = await bars(page);
    // The caller waited for the callee, and only the corrected clock shows for how long.
    const path = page.getByRole("group", { name: "Critical path by service" });
    const during = { corrected: server.duration, raw: server.start + server.duration - client.start };
    const share = (nanos) => path.getByText(`orders ${((nanos / client.duration) * 100).toFixed(1)} %`);
    await share(during.corrected).waitFor();
    await moved.click();
    await page.waitForURL(/clock=raw/);
    await moved.getByText(/with raw times/).waitFor();
    await share(during.raw).waitFor();
    const raw = await bars(page);
    // As received, and with the clock of the caller: where each begins after the caller does.
    for (const [i, span] of [server, below].entries()) {
      const behind = span.start - client.start;
      const [asReceived, asAdjusted] = [raw, adjusted].map((all) => all[i + 1].start - all[0].start);
      const pixel = Math.max(raw[0].pixel, adjusted[0].pixel);
      assert.ok(Math.abs(asReceived - behind) <= 1.5 * pixel, `${span.name}: ${asReceived} for ${behind}`);
      const by = asAdjusted - asReceived;
      assert.ok(Math.abs(by - SKEW_NANOS) <= 2 * pixel, `${span.name} moves by ${by}, not ${SKEW_NANOS} ns`);
    }
    await moved.click();
    await page.waitForURL((url) => !url.searchParams.has("clock"));
    await moved.getByText(/2 spans adjusted/).waitFor();
    assert.deepEqual(await bars(page), adjusted);
    // What is shown begins and ends with the caller, in whose time all of it was.
    assert.ok(Math.abs(adjusted[0].left) <= 1, `the caller begins at pixel ${adjusted[0].left}`);
    await page.getByText("100 ms", { exact: true }).first().waitFor();
  });
}

/** Where the bar of each row begins, by its pixels: those of the color of its service. */
async function bars(page) {
  const read = await page.evaluate(() => {
    const grid = document.querySelector("[role=treegrid]");
    const canvas = grid.parentElement.parentElement.querySelector(":scope > canvas");
    const context = canvas.getContext("2d");
    const ticks = [...document.querySelectorAll("[title='Drag to zoom, double-click to show all'] span")];
    const labels = ticks.map(({ textContent, style }) => [textContent, Number.parseFloat(style.left)]);
    const lefts = [...grid.querySelectorAll("[role=row]")].map((row) => {
      const swatch = getComputedStyle(row.querySelector(".swatch")).backgroundColor;
      const wanted = swatch.match(/\d+/g).slice(0, 3).map(Number);
      const y = (Number(row.ariaRowIndex) - 1) * 24 + 12;
      const { data } = context.getImageData(0, y, canvas.width, 1);
      for (let x = 0; x < canvas.width; x++)
        if (wanted.every((value, i) => Math.abs(data[4 * x + i] - value) < 8) && data[4 * x + 3] > 200)
          return x;
      return null;
    });
    return { labels, lefts };
  });
  // Two labels of the axis tell how long a pixel is.
  const [[a, x], [b, y]] = [read.labels[0], read.labels.at(-1)];
  const millis = (label) => Number(/^(\d+(?:\.\d+)?) (ns|ms)$/.exec(label)[1]);
  const pixel = ((millis(b) - millis(a)) * 1e6) / (y - x);
  assert.ok(
    read.lefts.every((left) => left !== null),
    `bars at ${read.lefts}`,
  );
  return read.lefts.map((left) => ({ left, pixel, start: millis(a) * 1e6 + (left - x) * pixel }));
}

// The page of a trace of the demo as readers use it.
import assert from "node:assert/strict";
import {
  everyRow,
  found,
  hasRows,
  openTrace,
  param,
  positionOfRow,
  rowCount,
  skeletonOf,
  withAncestors,
} from "./looking.mjs";

const isFailed = (span) => span.tags.some(({ key, value }) => key === "error" && value === true);

/** Checks that any trace with errors passes: `trace` is its id, `spans` are its spans as Jaeger's API has them. */
export async function checkDemoTrace({ check, base, trace, spans }) {
  const open = (page, query) => openTrace(page, base, { traceId: trace }, query);

  await check("errors come deepest first, the root cause has a badge, and they come around", async (page) => {
    await open(page);
    const failed = spans.filter(isFailed);
    const seen = [];
    for (let i = 0; i <= failed.length; i++) {
      await page.keyboard.press("e");
      await page.waitForFunction(
        (before) => ![null, before].includes(new URL(location.href).searchParams.get("span")),
        seen.at(-1) ?? null,
      );
      seen.push(param(page, "span"));
      if (i === 0) await page.locator("[role=row][aria-selected=true]").getByText("root cause").waitFor();
    }
    assert.equal(new Set(seen).size, failed.length);
    assert.equal(seen[0], seen.at(-1));
  });

  await check("every view has a key, and is in the address", async (page) => {
    await open(page);
    const looks = [
      ["2", "flame", "[role=application]"],
      ["3", "merged", "[role=application]"],
      ["4", "graph", "[role=listbox] [role=option]"],
      ["5", "table", "[role=grid] [role=gridcell]"],
      ["6", "stats", "table[aria-label=Statistics] tbody tr"],
      ["7", "events", "main ol, main p"],
      ["1", null, "[role=treegrid] [role=row]"],
    ];
    for (const [key, name, content] of looks) {
      await page.keyboard.press(key);
      await page.locator(content).first().waitFor();
      assert.equal(param(page, "view"), name);
    }
  });

  await check(
    "the flame graph is walked by keys, and its selection is that of the waterfall",
    async (page) => {
      await page.goto(`${base}/trace/${trace}?view=flame`);
      const flame = page.locator("[role=application]");
      await flame.focus();
      await flame.press("ArrowDown");
      await flame.press("ArrowDown");
      // Down from the root is a child of something; the address of the root may be there for a moment.
      const children = spans.filter(({ references }) => references.length > 0);
      await page.waitForURL((url) => children.some(({ spanID }) => spanID === url.searchParams.get("span")));
      const chosen = param(page, "span");
      await page.keyboard.press("1");
      await page.locator("[role=treegrid] [role=row][aria-selected=true]").waitFor();
      assert.equal(param(page, "span"), chosen);
    },
  );

  await check("the table has every span, and sorts by each column", async (page) => {
    await page.goto(`${base}/trace/${trace}?view=table`);
    const table = page.locator("[role=grid]");
    await table.waitFor();
    assert.equal(Number(await table.getAttribute("aria-rowcount")), spans.length + 1);
    await page.getByRole("button", { name: /^Duration/ }).click();
    await page.locator("[role=columnheader][aria-sort=descending]").getByText("Duration").waitFor();
    const first = page.locator("[role=grid] [role=row][aria-rowindex='2']");
    await first.click();
    await page.waitForURL(/span=/);
    const longest = Math.max(...spans.map(({ duration }) => duration));
    assert.equal(spans.find(({ spanID }) => spanID === param(page, "span")).duration, longest);
  });

  await check("shares of the critical path are those of its spans, and add up", async (page) => {
    await page.goto(`${base}/trace/${trace}?view=stats&by=service`);
    const lines = page.locator("table[aria-label=Statistics] tbody tr");
    await lines.first().waitFor();
    const shares = await lines
      .locator("td:nth-child(6)")
      .evaluateAll((cells) =>
        cells.map((cell) => (/^</.test(cell.textContent) ? 0 : Number.parseFloat(cell.textContent) || 0)),
      );
    const sum = shares.reduce((a, b) => a + b, 0);
    // As shown, each is rounded to a tenth.
    assert.ok(Math.abs(sum - 100) <= 0.05 * shares.length + 0.1, `${sum} %`);
    const path = await skeletonOf(base, trace);
    const whole = path.sections.reduce((all, { nanos }) => all + nanos, 0);
    const serviceOf = await lines.locator("td:nth-child(1)").allInnerTexts();
    for (const [i, service] of serviceOf.entries()) {
      const own = path.sections.filter((section) => section.service === service.trim());
      const wanted = (own.reduce((all, { nanos }) => all + nanos, 0) / whole) * 100;
      assert.ok(Math.abs(shares[i] - wanted) <= 0.1, `${service}: ${shares[i]} % for ${wanted}`);
    }
    // Not rounded, in the order of the header: the parts of its strip.
    const parts = await page
      .getByRole("group", { name: "Critical path by service" })
      .locator("[aria-hidden] > span")
      .evaluateAll((all) =>
        all.map(({ title, style }) => [title.replace(/ [^ ]+ %$/, ""), Number(style.flexGrow) * 100]),
      );
    const exact = parts.reduce((all, [, percent]) => all + percent, 0);
    assert.ok(Math.abs(exact - 100) <= 0.1, `${exact} % in the header`);
    for (const [service, percent] of parts) {
      const own = path.sections.filter((section) => section.service === service);
      const wanted = (own.reduce((all, { nanos }) => all + nanos, 0) / whole) * 100;
      assert.ok(Math.abs(percent - wanted) <= 0.01, `${service}: ${percent} % for ${wanted} in the header`);
    }
    const counts = await lines.locator("td:nth-child(2)").allInnerTexts();
    assert.equal(
      counts.reduce((all, count) => all + Number(count.replace(",", "")), 0),
      spans.length,
    );
  });

  await check("only what is on the critical path, and above it, stays", async (page) => {
    const skeleton = await skeletonOf(base, trace);
    const onPath = skeleton.sections.filter(({ nanos }) => nanos > 0).map(({ span }) => span);
    const kept = withAncestors(skeleton, onPath);
    assert.ok(kept.length < spans.length, "some spans are not on the path");
    await open(page);
    await page.keyboard.press("c");
    await page.keyboard.press("h");
    await hasRows(page, kept.length);
    const shown = await everyRow(page);
    assert.deepEqual(shown.map(positionOfRow), kept);
    const inFull = shown.filter(({ match }) => match !== "no").map(positionOfRow);
    assert.deepEqual(
      inFull,
      [...new Set(onPath)].sort((a, b) => a - b),
    );
    await page.waitForURL(({ searchParams: at }) => at.get("cp") === "1" && at.get("hide") === "1");
  });

  await check("a span shows all of its attributes, filters by them, and copies them", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const span = spans.find((span) => isFailed(span) && span.tags.some(({ key }) => /status_code/.test(key)));
    await open(page, `?span=${span.spanID}`);
    const panel = page.locator("aside[aria-label=Span]");
    const tag = span.tags.find(({ key }) => /status_code/.test(key));
    const line = panel.locator("tr").filter({ hasText: tag.key }).first();
    await line.waitFor();
    await line.getByRole("button", { name: `Copy ${tag.key}` }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), String(tag.value));
    const everywhere = await line.getByRole("link").getAttribute("href");
    assert.equal(new URL(everywhere, base).searchParams.get("q"), `{ span.${tag.key} = ${tag.value} }`);
    await line.getByRole("button", { name: /with this/ }).click();
    await page.waitForURL(/f=/);
    assert.equal(param(page, "f"), `{ span.${tag.key} = ${tag.value} }`);
    const same = spans.filter(({ tags }) =>
      tags.some(({ key, value }) => key === tag.key && value === tag.value),
    );
    await found(page)
      .getByText(new RegExp(`(^|/)${same.length}$`))
      .waitFor();
  });

  await check("enter shows a span alone, and the trail leads back", async (page) => {
    await open(page);
    for (let i = 0; i < 2; i++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/root=/);
    const shown = await rowCount(page);
    assert.ok(shown < spans.length, `${shown} rows`);
    await page.reload();
    await hasRows(page, shown);
    await page.getByRole("navigation", { name: "Span in focus" }).getByText("Whole trace").click();
    await page.waitForURL((url) => !url.searchParams.has("root"));
    assert.ok((await rowCount(page)) > shown);
  });

  await check("keys alone: open, select, read, close; the focus stays where it was", async (page) => {
    await open(page);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.locator("aside[aria-label=Span] table").first().waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.id);
    const row = await focused();
    assert.match(row, /^row-\d+$/);
    await page.keyboard.press("Space");
    await page.locator("aside[aria-label=Span]").waitFor({ state: "detached" });
    assert.equal(await focused(), row);
    await page.keyboard.press("Space");
    await page.locator("aside[aria-label=Span]").waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).last().press("Enter");
    await page.locator("aside[aria-label=Span]").waitFor({ state: "detached" });
    assert.equal(await focused(), row);
  });
}

// The page of a trace as readers use it. With an OTLP/HTTP endpoint, traces whose facts are known are sent to it
// first (`fixtures.mjs`); without, only what a trace of the demo has is looked at.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { all, ORPHANS, REPEATS, SKEW_NANOS, send, spanId, WANTED } from "./fixtures.mjs";

const rows = (page) => page.locator("[role=treegrid] [role=row]");
const grid = (page) => page.locator("[role=treegrid]");
const rowCount = async (page) => Number(await grid(page).getAttribute("aria-rowcount"));
const hasRows = (page, n) =>
  page.waitForFunction(
    (n) => document.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount") === String(n),
    n,
  );
const param = (page, name) => new URL(page.url()).searchParams.get(name);
const found = (page) => page.locator("[role=search] [role=status]");
const isFailed = (span) => span.tags.some(({ key, value }) => key === "error" && value === true);

/** Checks that any trace with errors passes: `trace` is its id, `spans` are its spans as Jaeger's API has them. */
export async function checkDemoTrace(check, base, { trace, spans }) {
  const open = async (page, query = "") => {
    await page.goto(`${base}/trace/${trace}${query}`);
    await rows(page).first().waitFor();
  };

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
    const path = await criticalPath(base, trace);
    const whole = path.sections.reduce((all, { nanos }) => all + nanos, 0);
    const serviceOf = await lines.locator("td:nth-child(1)").allInnerTexts();
    for (const [i, service] of serviceOf.entries()) {
      const own = path.sections.filter((section) => section.service === service.trim());
      const wanted = (own.reduce((all, { nanos }) => all + nanos, 0) / whole) * 100;
      assert.ok(Math.abs(shares[i] - wanted) <= 0.1, `${service}: ${shares[i]} % for ${wanted}`);
    }
    const counts = await lines.locator("td:nth-child(2)").allInnerTexts();
    assert.equal(
      counts.reduce((all, count) => all + Number(count.replace(",", "")), 0),
      spans.length,
    );
  });

  await check("only what is on the critical path, and above it, stays", async (page) => {
    const { kept } = await criticalPath(base, trace);
    await open(page, "?cp=1&hide=1");
    await hasRows(page, kept.size);
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

  await check("a zoom leads back step by step, and a link opens all of it elsewhere", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(page);
    const axis = page.getByTitle("Drag to zoom, double-click to show all").first();
    const drag = async (from, to) => {
      const box = await axis.boundingBox();
      await page.mouse.move(box.x + box.width * from, box.y + 10);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * to, box.y + 10, { steps: 4 });
      await page.mouse.up();
    };
    await drag(0.25, 0.5);
    await page.waitForURL(/z=\d+-\d+/);
    const first = param(page, "z");
    const [from, to] = first.split("-").map(Number);
    const whole =
      Math.max(...spans.map(({ startTime, duration }) => startTime + duration)) -
      Math.min(...spans.map(({ startTime }) => startTime));
    const perPixel = (whole * 1000) / (await axis.boundingBox()).width;
    assert.ok(
      Math.abs(from - whole * 250) < 2 * perPixel && Math.abs(to - whole * 500) < 2 * perPixel,
      first,
    );
    // Each label stands at its time, and the small picture shows the same window.
    const { width } = await axis.boundingBox();
    const labels = await axis
      .locator("span")
      .evaluateAll((all) =>
        all.map(({ textContent, style }) => [textContent, Number.parseFloat(style.left)]),
      );
    assert.ok(labels.length > 2, `${labels.length} labels`);
    for (const [label, left] of labels) {
      const wanted = ((nanosOf(label) - from) / (to - from)) * width;
      assert.ok(Math.abs(left - wanted) <= 1, `${label} at ${left}; expected ${wanted}`);
    }
    const small = page.locator("[role=img][aria-label^='The whole trace']");
    const outside = await small
      .locator(":scope > span")
      .evaluateAll((all) => all.slice(0, 2).map((span) => span.getBoundingClientRect().toJSON()));
    const around = await small.boundingBox();
    const xOf = (time) => around.x + (time / (whole * 1000)) * around.width;
    assert.ok(Math.abs(outside[0].right - xOf(from)) <= 2, `${outside[0].right} for ${xOf(from)}`);
    assert.ok(Math.abs(outside[1].left - xOf(to)) <= 2, `${outside[1].left} for ${xOf(to)}`);
    await drag(0.4, 0.6);
    await page.waitForURL((url) => url.searchParams.get("z") !== first);
    await page.keyboard.press("Alt+ArrowLeft");
    await page.waitForURL((url) => url.searchParams.get("z") === first);
    await page.keyboard.press("/");
    await page.keyboard.type("post");
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    await page.keyboard.press("2");
    await page.waitForURL(/span=.*view=flame|view=flame.*span=/);
    await page.keyboard.press("y");
    await page.getByText("Copied a link").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(new URL(link).searchParams.get("z"), first);
    assert.equal(new URL(link).searchParams.get("f"), "post");
    const other = await page
      .context()
      .browser()
      .newContext({ viewport: { width: 1440, height: 900 } });
    const theirs = await other.newPage();
    await theirs.goto(base);
    const before = await theirs.evaluate(() => JSON.stringify(localStorage));
    await theirs.goto(link);
    await theirs.locator("[role=application]").waitFor();
    await theirs.locator("aside[aria-label=Span]").waitFor();
    for (const name of ["span", "view", "z", "f"])
      assert.equal(new URL(theirs.url()).searchParams.get(name), new URL(link).searchParams.get(name));
    assert.equal(await theirs.evaluate(() => JSON.stringify(localStorage)), before);
    await other.close();
  });

  await check("a trace is saved as OTLP, as Jaeger has it, and as a picture", async (page) => {
    await open(page);
    for (const [label, ending] of [
      ["OTLP JSON", ".otlp.json"],
      ["Jaeger JSON", ".jaeger.json"],
      ["PNG of the waterfall", ".png"],
    ]) {
      await page.getByTitle("Download, compare").click();
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: label }).click();
      assert.equal((await download).suggestedFilename(), `${trace}${ending}`);
      await page.keyboard.press("Escape");
    }
  });

  await check("a saved file, opened again, is the same trace", async (page) => {
    const saved = async () => {
      await page.getByTitle("Download, compare").click();
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "OTLP JSON" }).click();
      return readFileSync(await (await download).path());
    };
    await open(page);
    const first = await saved();
    const rows = await rowCount(page);
    await page.goto(`${base}/upload`);
    const file = { name: "trace.otlp.json", mimeType: "application/json", buffer: first };
    await page.getByLabel("File with traces").setInputFiles(file);
    await page.waitForURL(/trace=[0-9a-f]+/);
    await hasRows(page, rows);
    const second = await saved();
    assert.equal(spansIn(first).length, spans.length);
    assert.deepEqual(spansIn(second), spansIn(first));
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

/** What the server says of the critical path: its sections, and the spans on it with all above them. */
async function criticalPath(base, trace) {
  const buffer = await (await fetch(`${base}/api/ui/traces/${trace}/skeleton`)).arrayBuffer();
  const view = new DataView(buffer);
  const length = view.getUint32(4, true);
  const header = JSON.parse(Buffer.from(buffer, 8, length).toString());
  const { nSpans, nSections, services } = header;
  let at = 0;
  const column = (bytes) => {
    const begins = at;
    at += Math.ceil(bytes / 8) * 8;
    return begins;
  };
  column(8 + length);
  for (let i = 0; i < 3; i++) column(nSpans * 8);
  const parents = column(nSpans * 4);
  column(nSpans * 4);
  const serviceOf = column(nSpans * 4);
  column(nSpans * 4);
  column(nSpans);
  const [of, from, to] = [column(nSections * 4), column(nSections * 8), column(nSections * 8)];
  const sections = Array.from({ length: nSections }, (_, i) => {
    const span = view.getUint32(of + 4 * i, true);
    return {
      span,
      service: services[view.getUint32(serviceOf + 4 * span, true)],
      nanos: view.getFloat64(to + 8 * i, true) - view.getFloat64(from + 8 * i, true),
    };
  });
  const kept = new Set();
  for (const { span, nanos } of sections)
    for (let i = nanos > 0 ? span : -1; i >= 0; i = view.getInt32(parents + 4 * i, true)) kept.add(i);
  return { sections, kept };
}

/** A label of an axis in nanoseconds. */
function nanosOf(label) {
  const [, digits, unit] = /^([−\d.]+) (ns|µs|ms|s)$/.exec(label) ?? [];
  assert.ok(unit, `${label} is no time`);
  return Number(digits.replace("−", "-")) * { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }[unit];
}

/** The spans of a file of OTLP in JSON, each with its resource and scope, in an order that is always the same. */
function spansIn(file) {
  const sorted = (value) => {
    if (Array.isArray(value)) {
      const all = value.map(sorted);
      const isMap = all.every((item) => item && typeof item === "object" && "key" in item);
      return isMap ? all.sort((a, b) => (a.key < b.key ? -1 : 1)) : all;
    }
    if (value === null || typeof value !== "object") return value;
    const names = Object.keys(value).sort();
    return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
  };
  const { resourceSpans } = JSON.parse(file.toString());
  const spans = resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => sorted({ resource, scope, span }))),
  );
  return spans.sort((a, b) => (a.span.spanId < b.span.spanId ? -1 : 1));
}

/** Checks of traces whose facts are known; returns the traces. */
export async function checkFixtures(check, base, endpoint) {
  const traces = all();
  for (const trace of Object.values(traces)) await send(endpoint, trace);
  const open = async (page, { traceId }, query = "") => {
    await page.goto(`${base}/trace/${traceId}${query}`);
    await rows(page).first().waitFor();
  };

  await check("what values have is found on the server, counted, and gone through", async (page) => {
    const n = traces.tenThousand.spans.filter(({ attributes }) => attributes["some.key"] === WANTED).length;
    await open(page, traces.tenThousand);
    await page.keyboard.press("/");
    await page.keyboard.type(WANTED);
    await found(page)
      .getByText(new RegExp(`^${n}$`))
      .waitFor();
    await page.keyboard.press("Enter");
    await found(page).getByText(`1/${n}`).waitFor();
    await page.keyboard.press("Escape");
    for (let i = 0; i < n; i++) {
      await page.locator("[role=row][aria-selected=true]").waitFor();
      await page.keyboard.press("n");
    }
    await found(page).getByText(`1/${n}`).waitFor();
  });

  await check("errors come in the order of their depth and their time", async (page) => {
    const { spans } = traces.thousand;
    const parents = new Set();
    for (const span of spans.filter(({ isError }) => isError))
      for (let at = span.parent; at; at = at.parent) parents.add(at);
    const failed = spans.filter(({ isError }) => isError);
    const origins = failed.filter((span) => !parents.has(span));
    origins.sort((a, b) => b.level - a.level || a.start - b.start);
    assert.ok(origins.length > 5, `${origins.length} origins`);
    await open(page, traces.thousand);
    for (const [i, origin] of origins.entries()) {
      await page.keyboard.press("e");
      await page.waitForURL((url) => url.searchParams.get("span") === spanId(origin.i));
      const badge = i === 0 ? "root cause" : "origin";
      await page.locator("[role=row][aria-selected=true]").getByText(badge, { exact: true }).waitFor();
    }
  });

  await check("a parent is closed and opened with all below it", async (page) => {
    const { spans } = traces.thousand;
    const below = (span) => spans.filter((other) => isBelow(other, span)).length;
    const isBelow = (span, above) => {
      for (let at = span.parent; at; at = at.parent) if (at === above) return true;
      return false;
    };
    const parent = spans.find((span) => span.level > 3 && below(span) > 20 && below(span) < 400);
    await open(page, traces.thousand, `?span=${spanId(parent.i)}`);
    const selected = page.locator("[role=row][aria-selected=true]");
    await selected.waitFor();
    await page.keyboard.press("ArrowLeft");
    await hasRows(page, spans.length - below(parent));
    assert.equal(await selected.getAttribute("aria-expanded"), "false");
    await page.keyboard.press("ArrowRight");
    await hasRows(page, spans.length);
    assert.equal(param(page, "span"), spanId(parent.i));
  });

  await check("hiding leaves the errors and what is above them, dimming all", async (page) => {
    const { spans } = traces.thousand;
    const kept = new Set();
    for (const span of spans.filter(({ isError }) => isError))
      for (let at = span; at; at = at.parent) kept.add(at.i);
    await open(page, traces.thousand, `?f=${encodeURIComponent("{ status = error }")}&hide=1`);
    await hasRows(page, kept.size);
    await page.getByRole("radio", { name: "Dim" }).click();
    await hasRows(page, spans.length);
    await page.waitForURL((url) => !url.searchParams.has("hide") && url.searchParams.has("f"));
  });

  await check("equal calls are one row with their sum, until it is opened", async (page) => {
    await open(page, traces.repeats);
    assert.equal(await rowCount(page), 3);
    const folded = page.locator("[role=row][aria-expanded=false]");
    await folded.getByText(`×${REPEATS}`).waitFor();
    assert.match(await folded.getAttribute("aria-label"), /153 ms/);
    await folded.click();
    await hasRows(page, 2 + REPEATS);
  });

  await check("spans without a parent are counted, explained, and under a row of their own", async (page) => {
    await open(page, traces.orphans);
    await page.getByText(`${ORPHANS} missing parents`).click();
    await page.getByText(/name a parent that is not in this trace/).waitFor();
    const group = page.getByRole("row", { name: `Parent not received, ${ORPHANS}` });
    assert.equal(await group.getAttribute("aria-level"), "1");
    assert.equal(await rowCount(page), traces.orphans.spans.length + 1);
    await group.click();
    await hasRows(page, traces.orphans.spans.length + 1 - ORPHANS);
  });

  await check("a wrong clock is put right, and can be seen as it was", async (page) => {
    const server = spanId(1);
    await open(page, traces.skew, `?span=${server}`);
    const start = async () => {
      const fact = page.locator("aside[aria-label=Span] dl > div").filter({ hasText: "Starts" });
      return Number((await fact.getAttribute("title")).replace(/[^\d-]/g, ""));
    };
    await page.locator("aside[aria-label=Span] dl").waitFor();
    const adjusted = await start();
    await page.getByRole("button", { name: /adjusted/ }).click();
    await page.waitForURL(/clock=raw/);
    const by = adjusted - (await start());
    // The adjuster puts the callee in the middle of its caller; it was behind by at least what is told here.
    assert.ok(by >= SKEW_NANOS - 5e6 && by <= SKEW_NANOS + 15e6, `${by} ns`);
  });

  await check("links are followed in both directions", async (page) => {
    await open(page, traces.repeats, `?span=${spanId(0)}`);
    await page.getByRole("tab", { name: /Links/i }).click();
    await page.getByRole("link", { name: traces.ten.traceId }).click();
    await page.waitForURL(new RegExp(`/trace/${traces.ten.traceId}\\?.*span=${spanId(3)}`));
    await page.locator("aside[aria-label=Span]").getByRole("tab", { name: /Links/i }).click();
    await page
      .locator("aside[aria-label=Span]")
      .getByRole("link", { name: /POST \/pay/ })
      .waitFor();
  });

  await check("collapsing keeps the selection, and all of it is one row", async (page) => {
    await open(page, traces.thousand, `?span=${spanId(900)}`);
    await page.locator("[role=row][aria-selected=true]").waitFor();
    await page.keyboard.press("[");
    await hasRows(page, 1);
    await page.locator("[role=row][aria-selected=true][aria-level='1']").waitFor();
    await page.keyboard.press("]");
    await hasRows(page, traces.thousand.spans.length);
  });

  await check("a hundred thousand spans open and scroll, and few elements exist", async (page) => {
    await open(page, traces.hundredThousand);
    await hasRows(page, 100_000);
    for (const share of [0.25, 0.5, 1]) {
      await page.evaluate((share) => {
        const box = document.querySelector("[role=treegrid]").parentElement;
        box.scrollTop = share * box.scrollHeight;
      }, share);
      await page.waitForFunction(() => {
        const box = document.querySelector("[role=treegrid]").parentElement.getBoundingClientRect();
        const middle = document.elementFromPoint(box.left + 100, box.top + box.height / 2);
        return middle?.closest("[role=row]") !== null;
      });
    }
    assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 2500);
    for (const [key, content] of [
      ["2", "[role=application]"],
      ["3", "[role=application]"],
      ["4", "[role=grid] [role=gridcell]"],
    ]) {
      await page.keyboard.press(key);
      await page.locator(content).first().waitFor();
    }
  });
  return traces;
}

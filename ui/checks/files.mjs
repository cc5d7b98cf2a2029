// Files: a trace saved, dropped onto the page in every form, and the same as the server shows it; and a trace in a
// frame of another page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { otlpRequest } from "./fixtures.mjs";
import { FORMS } from "./formats.mjs";
import { everyRow, grid, hasRows, openTrace, rows } from "./looking.mjs";

/** Rows whose bars are compared pixel by pixel. */
const ROWS_DRAWN = 20;

export async function checkFiles({ check, base, browser, traces, shots }) {
  const open = async (page, { traceId, spans }) => {
    await openTrace(page, base, { traceId });
    await hasRows(page, spans.length);
  };
  const dropped = async (page, buffer, { traceId, spans }) => {
    await page.goto(`${base}/upload`);
    await drop(page, buffer);
    await page.waitForURL((url) => url.searchParams.get("trace") === traceId);
    await hasRows(page, spans.length);
  };

  for (const [form, write] of Object.entries(FORMS)) {
    await check(`a dropped file of ${form} is, row by row, what the server shows`, async (page) => {
      await open(page, traces.files);
      const stored = await waterfall(page);
      assert.ok(stored.rows.some(({ text }) => text.includes("root cause")));
      await dropped(page, write(traces.files), traces.files);
      const opened = await waterfall(page);
      assert.deepEqual(opened.rows, stored.rows);
      assert.equal(opened.bars, stored.bars, "bars, labels and the critical path");
    });
  }

  for (const name of ["files", "thousand", "values", "repeats", "skew", "orphans"]) {
    await check(`a saved file, opened again, is the same trace: ${name}`, async (page) => {
      const trace = traces[name];
      await openTrace(page, base, trace);
      const stored = await waterfall(page);
      const first = await savedOtlp(page);
      assert.deepEqual(spansIn(first), spansIn(JSON.stringify(otlpRequest(trace))), "what was sent");
      await page.goto(`${base}/upload`);
      await drop(page, first);
      await page.waitForURL(/trace=[0-9a-f]+/);
      const opened = await waterfall(page);
      assert.deepEqual(opened.rows, stored.rows);
      assert.equal(opened.bars, stored.bars, "bars, labels and the critical path");
      assert.deepEqual(spansIn(await savedOtlp(page)), spansIn(first));
    });
  }

  await check("a trace is saved as OTLP, as Jaeger has it, and as a picture", async (page) => {
    const { traceId } = traces.files;
    await open(page, traces.files);
    const jaeger = JSON.parse((await saved(page, "Jaeger JSON", `${traceId}.jaeger.json`)).toString());
    assert.equal(jaeger.data[0].spans.length, traces.files.spans.length);
    const picture = await saved(page, "PNG of the waterfall", `${traceId}.png`);
    assert.deepEqual([...picture.subarray(1, 4)], [...Buffer.from("PNG")]);
  });

  for (const [theme, other] of [
    ["dark", "light"],
    ["light", "dark"],
  ]) {
    await check(`a trace in a frame: ${theme}, no navigation, tells what is selected`, async () => {
      const page = await browser.page({ theme: other });
      await framed(page, { base, theme, trace: traces.files });
      if (shots) await page.screenshot({ path: `${shots}/embedded-${theme}.png` });
      await page.context().close();
    });
  }
}

async function framed(page, { base, theme, trace: { traceId, spans } }) {
  await page.goto(base);
  const before = await page.evaluate(() => JSON.stringify(localStorage));
  await page.evaluate((address) => {
    window.told = [];
    addEventListener("message", ({ data }) => window.told.push(data));
    const frame = document.createElement("iframe");
    frame.src = address;
    frame.style.cssText = "position: fixed; inset: 0; width: 100%; height: 100%; z-index: 99";
    document.body.append(frame);
  }, `/embed/trace/${traceId}?theme=${theme}`);
  const frame = page.frameLocator("iframe");
  const row = (i) => frame.locator(`[role=treegrid] [role=row][aria-rowindex='${i}']`);
  await row(3).waitFor();
  assert.equal(await frame.locator("[role=treegrid]").getAttribute("aria-rowcount"), String(spans.length));
  const chrome = frame.locator("nav[aria-label=Pages], [role=combobox], [role=banner], a[href='#content']");
  assert.equal(await chrome.count(), 0, "navigation");
  assert.equal(await frame.locator("html").getAttribute("data-theme"), theme);
  const ground = await frame.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
  const [red] = ground.match(/\d+/g).map(Number);
  assert.ok(theme === "dark" ? red < 60 : red > 200, `${theme} on ${ground}`);
  const panel = frame.getByRole("complementary", { name: "Span" });
  const shownId = panel.getByRole("row", { name: "span id" }).locator("td").first();
  for (const [k, i] of [3, 5].entries()) {
    await row(i).click();
    await page.waitForFunction((n) => window.told.length === n, k + 1);
    const told = (await page.evaluate(() => window.told)).at(-1);
    await shownId.getByText(told.spanId, { exact: true }).waitFor();
    assert.deepEqual(told, { type: "span-selected", traceId, spanId: await shownId.textContent() });
  }
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage)), before);
}

/** Drops a file onto the page as a reader does: it is dragged over the place and let go. */
async function drop(page, buffer) {
  const zone = page.locator("label").filter({ has: page.getByLabel("File with traces") });
  await zone.waitFor();
  const dataTransfer = await page.evaluateHandle((content) => {
    const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "trace"));
    return transfer;
  }, buffer.toString("base64"));
  await zone.dispatchEvent("dragover", { dataTransfer });
  await page.locator("label[data-over=true]").waitFor();
  await zone.dispatchEvent("drop", { dataTransfer });
}

/** What a waterfall shows: every row, and the pixels of the first bars. */
async function waterfall(page) {
  await rows(page).first().waitFor();
  const shown = await everyRow(page);
  await grid(page).evaluate((it) => {
    it.parentElement.scrollTop = 0;
  });
  // The pointer lights up what is below it.
  await page.mouse.move(2, 2);
  await rows(page).first().waitFor();
  const bars = await grid(page).evaluate(
    async (it, n) => {
      const canvas = it.parentElement.parentElement.querySelector(":scope > canvas");
      for (let frame = 0; frame < 2; frame++) await new Promise((done) => requestAnimationFrame(done));
      const part = new OffscreenCanvas(canvas.width, Math.min(canvas.height, n * 24));
      const context = part.getContext("2d");
      context.drawImage(canvas, 0, 0);
      return context.getImageData(0, 0, part.width, part.height).data.join();
    },
    Math.min(ROWS_DRAWN, shown.length),
  );
  return { rows: shown, bars };
}

async function saved(page, label, name) {
  await page.getByTitle("Download, compare").click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: label }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), name);
  const bytes = readFileSync(await file.path());
  await page.keyboard.press("Escape");
  return bytes;
}

async function savedOtlp(page) {
  const id = /[0-9a-f]{32}/.exec(page.url())[0];
  return saved(page, "OTLP JSON", `${id}.otlp.json`);
}

/** The spans of a file of OTLP in JSON, each with its resource and scope, in an order that is always the same. */
function spansIn(file) {
  const { resourceSpans } = JSON.parse(file.toString());
  const spans = resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => sorted({ resource, scope, span }))),
  );
  return spans.sort((a, b) => (a.span.spanId < b.span.spanId ? -1 : 1));
}

/** Attributes and members by name; what is as if it were not there is left out. */
function sorted(value) {
  if (Array.isArray(value)) {
    const all = value.map(sorted);
    const isMap = all.every((item) => item && typeof item === "object" && "key" in item);
    return isMap ? all.sort((a, b) => (a.key < b.key ? -1 : 1)) : all;
  }
  if (value === null || typeof value !== "object") return value;
  const isNothing = (it) =>
    it === undefined || it === null || (typeof it === "object" && Object.keys(it).length === 0);
  const names = Object.keys(value).sort();
  return Object.fromEntries(
    names.map((name) => [name, sorted(value[name])]).filter(([, it]) => !isNothing(it)),
  );
}

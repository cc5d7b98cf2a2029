// Looks at the interface as readers do: node checks/run.mjs http://127.0.0.1:3200 [FOLDER FOR SCREENSHOTS]
// The server must have received `spandrel demo --seed 7` a moment ago. ONLY=words|others: checks whose names have either.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { checkAilments } from "./ailments.mjs";
import { Browser, executable, focusOmnibox } from "./browser.mjs";
import { checkColoring } from "./coloring.mjs";
import { checkColors } from "./colors.mjs";
import { checkDetail } from "./detail.mjs";
import { checkEditor } from "./editor.mjs";
import { checkFiles } from "./files.mjs";
import { checkFinding } from "./finding.mjs";
import { checkFirst } from "./first.mjs";
import { sendAll } from "./fixtures.mjs";
import { checkFolding } from "./folding.mjs";
import { checkGraph, checkLargeGraph } from "./graph.mjs";
import { checkHeatmap } from "./heatmap.mjs";
import { checkKeyboard } from "./keyboard.mjs";
import { checkLate } from "./late.mjs";
import { checkLinks } from "./links.mjs";
import { checkMap } from "./map.mjs";
import { checkNumbers } from "./numbers.mjs";
import { checkOnboarding } from "./onboarding.mjs";
import { checkOutside } from "./outside.mjs";
import { checkPages } from "./pages.mjs";
import { checkPieces } from "./pieces.mjs";
import { checkSampling } from "./sampling.mjs";
import { checkScreens } from "./screens.mjs";
import { checkScrolling } from "./scrolling.mjs";
import { checkSearch } from "./search.mjs";
import { checkSpeed } from "./speed.mjs";
import { checkSql } from "./sql.mjs";
import { checkStates } from "./states.mjs";
import { checkDemoTrace } from "./trace.mjs";
import { checkZoom } from "./zoom.mjs";

const [base, shots] = process.argv.slice(2);
if (!base) throw new Error("which server? node checks/run.mjs http://127.0.0.1:3200");
if (!executable) {
  console.log(
    "SKIPPED: no Chromium is installed (CHROMIUM names one), nobody has looked at the web interface",
  );
  process.exit(0);
}
if (shots) mkdirSync(shots, { recursive: true });

const only = process.env.ONLY?.split("|");
const browser = await Browser.start(base);
const failed = [];
let passed = 0;

async function check(name, look) {
  if (only && !only.some((words) => name.includes(words))) return;
  const page = await browser.page();
  const start = performance.now();
  try {
    await look(page);
    console.log(`ok ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${name}`);
    passed++;
  } catch (error) {
    console.error(`FAILED  ${name}\n        ${String(error.message).replaceAll("\n", "\n        ")}`);
    failed.push(name);
  } finally {
    await page.context().close();
    browser.over();
  }
}

const searched = (q) => `${base}/search?q=${encodeURIComponent(q)}`;
const api = async (path) => (await fetch(base + path)).json();
const rows = (page) => page.locator("[role=treegrid] [role=row]");
const failing = await api(
  `/tempo/api/search?limit=1&q=${encodeURIComponent("{ status = error && rootName = `POST /checkout` }")}`,
);
const trace = failing.traces[0].traceID.padStart(32, "0");
const spans = (await api(`/jaeger/api/traces/${trace}`)).data[0].spans;

await check("the services are those of the API", async (page) => {
  await page.goto(base);
  await page.locator("tbody tr").first().waitFor();
  const shown = await page.locator("tbody tr td:first-child").allInnerTexts();
  const { data } = await api("/jaeger/api/services");
  for (const service of shown) assert.ok(data.includes(service.trim()), service);
  assert.ok(shown.length > 10, `${shown.length} services`);
});

await check("a search lists the traces of the API, newest first", async (page) => {
  const answer = await api(`/tempo/api/search?limit=50&q=${encodeURIComponent("{ status = error }")}`);
  await page.goto(searched("{ status = error }"));
  await page
    .locator("tbody tr")
    .nth(answer.traces.length - 1)
    .waitFor();
  const links = await page
    .locator("tbody tr a")
    .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.deepEqual(
    links,
    answer.traces.map(({ traceID }) => `/trace/${traceID.padStart(32, "0")}`),
  );
});

await check("a mistake in a query is told where it is", async (page) => {
  await page.goto(searched("{ stattus = error }"));
  const alert = await page.locator("[role=alert]").first().textContent();
  assert.match(alert, /line 1, col 3/);
});

await check("a facet narrows the query", async (page) => {
  await page.goto(searched("{}"));
  await page.getByTitle("Only error").click();
  await page.waitForURL(/status\+%3D\+error/);
});

await check("a trace shows every span", async (page) => {
  await page.goto(`${base}/trace/${trace}`);
  await rows(page).first().waitFor();
  assert.equal(Number(await page.locator("[role=treegrid]").getAttribute("aria-rowcount")), spans.length);
  assert.match(await page.title(), /POST \/checkout/);
});

await check("the first error is the deepest, and its details are there", async (page) => {
  await page.goto(`${base}/trace/${trace}`);
  await rows(page).first().waitFor();
  await page.keyboard.press("e");
  await page.locator("aside[aria-label=Span] table").first().waitFor();
  await page.waitForURL(/span=/);
  const id = new URL(page.url()).searchParams.get("span");
  const children = new Set(spans.flatMap((span) => span.references.map(({ spanID }) => spanID)));
  const isFailed = (span) => span.tags.some(({ key, value }) => key === "error" && value === true);
  const span = spans.find(({ spanID }) => spanID === id);
  assert.ok(span && isFailed(span), `${id} has failed`);
  const below = spans.filter((other) => other.references.some(({ spanID }) => spanID === id));
  assert.ok(!below.some(isFailed) || !children.has(id), "nothing below it has failed");
  const shown = await page.locator("aside[aria-label=Span]").textContent();
  for (const { key } of span.tags.filter(({ key }) => /^(http|rpc|db)\./.test(key)))
    assert.ok(shown.includes(key), key);
});

await check("finding counts, steps through and hides", async (page) => {
  await page.goto(`${base}/trace/${trace}`);
  await rows(page).first().waitFor();
  const { n: wanted } = await api(`/api/ui/traces/${trace}/find?q=post`);
  await page.keyboard.press("/");
  await page.keyboard.type("post");
  await page.keyboard.press("Enter");
  // Names are found at once, and the rest when the server has answered.
  await page
    .getByRole("status")
    .getByText(new RegExp(`^\\d+/${wanted}$`))
    .waitFor();
  await page.getByRole("radio", { name: "Hide" }).click();
  const left = Number(await page.locator("[role=treegrid]").getAttribute("aria-rowcount"));
  assert.ok(left >= wanted && left <= spans.length, `${left} rows`);
  await page.waitForURL(/hide=1/);
});

await check("TraceQL finds within a trace", async (page) => {
  await page.goto(`${base}/trace/${trace}?f=${encodeURIComponent("{ status = error }")}`);
  const wanted = spans.filter(({ tags }) =>
    tags.some(({ key, value }) => key === "error" && value === true),
  ).length;
  await page.getByRole("status").getByText(String(wanted)).waitFor();
});

await check("a drag over the axis zooms, and the address keeps it", async (page) => {
  await page.goto(`${base}/trace/${trace}`);
  await rows(page).first().waitFor();
  const box = await page.locator("[role=treegrid]").boundingBox();
  const y = box.y - 14;
  const x = (share) => box.x + 400 + (box.width - 400) * share;
  await page.mouse.move(x(0.25), y);
  await page.mouse.down();
  await page.mouse.move(x(0.5), y, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/z=\d+-\d+/);
  const zoomed = page.url();
  await page.keyboard.press("0");
  await page.waitForURL((url) => !url.searchParams.has("z"));
  await page.goto(zoomed);
  await page.waitForURL(/z=\d+-\d+/);
});

await check("collapsing hides what is below, by keys alone", async (page) => {
  await page.goto(`${base}/trace/${trace}`);
  await rows(page).first().waitFor();
  await page.keyboard.press("[");
  await page.waitForFunction(
    () => document.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount") === "1",
  );
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("]");
  const count = String(spans.length);
  await page.waitForFunction(
    (n) => document.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount") === n,
    count,
  );
});

await check("links of Jaeger, Zipkin and traceparents lead to the trace", async (page) => {
  for (const path of [
    `/trace/${trace.toUpperCase()}?uiFind=POST`,
    `/zipkin/traces/${trace}`,
    `/traces/detail/${trace}`,
  ]) {
    await page.goto(base + path);
    await rows(page).first().waitFor();
    assert.ok(page.url().includes(`/trace/${trace}`), page.url());
  }
  await focusOmnibox(page);
  await page.keyboard.type(`00-${trace}-00f067aa0ba902b7-01`);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/trace/${trace}$`));
});

await check("a trace that does not exist is told, not waited for", async (page) => {
  await page.goto(`${base}/trace/00000000000000000000000000000abc`);
  await page.getByText("There is no such trace").waitFor();
});

await check("the map has the calls that traces have", async (page) => {
  await page.goto(`${base}/map`);
  await page.locator("tbody tr").first().waitFor();
  const shown = await page.locator("tbody tr").evaluateAll((all) =>
    all.map((row) =>
      [...row.children]
        .slice(0, 2)
        .map((cell) => cell.textContent.trim())
        .join(" "),
    ),
  );
  // Each call from a span of one service to a child of another is an edge of the map.
  const { data } = await api(`/jaeger/api/traces/${trace}`);
  const [{ spans, processes }] = data;
  const serviceOf = new Map(spans.map(({ spanID, processID }) => [spanID, processes[processID].serviceName]));
  const calls = new Set();
  for (const { references, processID } of spans) {
    for (const { spanID } of references) {
      const [from, to] = [serviceOf.get(spanID), processes[processID].serviceName];
      if (from && from !== to) calls.add(`${from} ${to}`);
    }
  }
  assert.ok(calls.size > 3);
  for (const call of calls) assert.ok(shown.includes(call), call);
});

const otlp = process.env.OTLP_HTTP;
const given = { check, base, api, browser, searched, shots, trace, spans, otlp };
const LOOKS = [
  checkNumbers,
  checkFirst,
  checkPages,
  checkSearch,
  checkEditor,
  checkPieces,
  checkSql,
  checkSampling,
  checkDemoTrace,
  checkColoring,
  checkGraph,
  checkKeyboard,
  checkLinks,
  checkOutside,
  checkStates,
  checkOnboarding,
  checkColors,
];
for (const look of LOOKS) await look(given);
// Where OTLP is taken over HTTP: then traces of all sizes and ailments are sent and looked at.
const WITH_FIXTURES = [
  checkHeatmap,
  checkMap,
  checkLate,
  checkFinding,
  checkFolding,
  checkAilments,
  checkZoom,
  checkDetail,
  checkFiles,
  checkScrolling,
  checkSpeed,
  checkLargeGraph,
];
if (otlp) {
  const traces = await sendAll(otlp);
  for (const look of WITH_FIXTURES) await look({ ...given, traces });
}
await checkScreens(given);

await browser.stop();
if (browser.problems.length > 0) failed.push("no errors and no requests elsewhere");
for (const problem of new Set(browser.problems)) console.error(`FAILED  ${problem}`);
console.log(`web interface: ${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

// Results that come in pieces, from a server that makes a block of every forty spans: MANY_BLOCKS is its address, and
// MANY_BLOCKS_OTLP where it takes spans.
import assert from "node:assert/strict";
import { Browser } from "./browser.mjs";
import { send, sized } from "./fixtures.mjs";

const QUERY = "{ span.thread.id = 3 }";
const TRACES = 160;
const SPANS = 20;
/** As slow as a phone at the edge of its network: a page of results takes seconds. */
const BYTES_PER_SECOND = 8_000;

/** From now on every frame notes how many traces are shown and what is said about the search. */
function note() {
  window.noted = [];
  const look = () => {
    const statuses = [...document.querySelectorAll("main [role=status]")].map((one) => one.textContent);
    const said = statuses.find((text) => /blocks? read$/.test(text)) ?? "";
    const [, done, all] = /(\d+) of (\d+) blocks? read/.exec(said) ?? [];
    const bar = document.querySelector("main [data-loading=true]")?.style.getPropertyValue("--share");
    const rows = document.querySelectorAll("main tbody tr a").length;
    if (done !== undefined) {
      const found = Number(/^([\d,]+) found/.exec(said)?.[1].replace(",", "") ?? 0);
      window.noted.push({ found, rows, share: done / all, bar: Number.parseFloat(bar ?? "NaN") });
    }
    requestAnimationFrame(look);
  };
  look();
}

const linksOf = (page) =>
  page.locator("tbody tr a").evaluateAll((all) => all.map((link) => link.getAttribute("href").slice(-32)));

export async function checkPieces({ check }) {
  const { MANY_BLOCKS: server, MANY_BLOCKS_OTLP: otlp } = process.env;
  if (!server || !otlp) {
    console.log("skipped results in pieces: MANY_BLOCKS names no server");
    return;
  }
  const api = async (path) => (await fetch(server + path)).json();
  await check("results come while blocks are read, and stay when the search is stopped", async () => {
    await fill(otlp);
    const browser = await Browser.start(server);
    try {
      await comeAndStay(await browser.page(), server, api);
      assert.deepEqual(browser.problems, []);
    } finally {
      await browser.stop();
    }
  });
}

/** One trace every ten seconds, the newest last. */
async function fill(otlp) {
  const first = Date.now() - TRACES * 10_000;
  for (let i = 0; i < TRACES; i++) {
    const traceId = (first + i).toString(16).padStart(32, "8");
    await send(otlp, sized({ traceId, spans: SPANS, startMillis: first + i * 10_000, depth: 4, seed: i }));
  }
}

async function comeAndStay(page, server, api) {
  const { blocks } = await api("/api/ui/blocks?limit=1000");
  assert.ok(blocks.length >= 10, `${blocks.length} blocks`);
  const wanted = await api(`/tempo/api/search?limit=50&q=${encodeURIComponent(QUERY)}`);
  const ids = wanted.traces.map(({ traceID }) => traceID.padStart(32, "0"));
  assert.equal(ids.length, 50);

  await page.goto(`${server}/search?q=${encodeURIComponent("{ name = `nothing has this name` }")}`);
  await page.getByText("No trace matches").waitFor();
  await page.waitForLoadState("networkidle");
  await page.evaluate(note);
  const network = await page.context().newCDPSession(page);
  const throttled = (downloadThroughput) =>
    network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 20,
      downloadThroughput,
      uploadThroughput: -1,
    });
  await throttled(BYTES_PER_SECOND);
  const field = page.getByRole("combobox", { name: "TraceQL" });
  await field.fill(QUERY);
  await field.press("Enter");
  await page.waitForFunction(() => window.noted.some(({ found }) => found >= 10));
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText(/^stopped after \d+$/).waitFor();
  const noted = await page.evaluate(() => window.noted);
  const first = noted.find(({ found }) => found >= 10);
  assert.ok(first.share < 0.3, `the first 10 came with ${first.share} of the blocks read`);
  for (const key of ["share", "bar", "found"]) {
    const values = noted.map((one) => one[key]).filter((value) => !Number.isNaN(value));
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
      `${key} never goes back`,
    );
  }
  const stayed = await linksOf(page);
  assert.ok(stayed.length >= 10 && stayed.length < 50, `${stayed.length} stay`);
  assert.deepEqual(stayed, ids.slice(0, stayed.length));

  await throttled(-1);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText(/^(newest 50 traces|50 traces, all there are)$/).waitFor();
  assert.deepEqual(await linksOf(page), ids);
}

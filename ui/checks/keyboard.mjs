// Without a mouse: from a search to a span and back, and every key that there is.
import assert from "node:assert/strict";
import { focusOmnibox } from "./browser.mjs";
import { expectRing, focused, tabTo } from "./focus.mjs";
import { ESCAPED, KEYS, keysOf, MODIFIED, PLAIN } from "./keys.mjs";

/** What a key does is seen by then, or never; some ask the server first. */
const EFFECT_MILLIS_MAX = 5000;
const encoded = encodeURIComponent;
const rows = (page) => page.locator("[role=treegrid] [role=row]");
const panel = (page) => page.locator("aside[aria-label=Span]");

async function searchToSpanAndBack({ base, browser }, page) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(base);
  await focusOmnibox(page);
  await expectRing(page, browser);
  await page.keyboard.type("{ status = error }");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/search\?/);
  await page.locator("tbody tr a").first().waitFor();
  const searched = page.url();
  const { href } = await tabTo(page, browser, ({ isTrace }) => isTrace);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === href);
  await rows(page).first().waitFor();
  // Close everything, and open it again.
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("[");
  const count = () => page.locator("[role=treegrid]").getAttribute("aria-rowcount");
  await page.waitForFunction(() => document.querySelector("[role=treegrid]")?.ariaRowCount === "1");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => Number(document.querySelector("[role=treegrid]")?.ariaRowCount) > 1);
  assert.ok(Number(await count()) > 1);
  await page.keyboard.press("ArrowRight");
  await panel(page).locator("table").first().waitFor();
  const row = await focused(page);
  assert.ok(row.isRow, `the focus is on ${row.what}`);
  await expectRing(page, browser);
  const isBack = async (how) => {
    await panel(page).waitFor({ state: "detached" });
    await page.waitForFunction((id) => document.activeElement?.id === id, row.id);
    assert.ok((await focused(page)).isRow, how);
    await expectRing(page, browser);
  };
  // The details close and open, and whoever was within them is where he was before.
  await page.keyboard.press("Space");
  await isBack("space");
  await page.keyboard.press("Space");
  await panel(page).locator("table").first().waitFor();
  await tabTo(page, browser, ({ isPanel }) => isPanel);
  await page.keyboard.press("Escape");
  await isBack("escape within the details");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowRight");
  await panel(page).locator("table").first().waitFor();
  await page.waitForFunction((id) => document.activeElement?.id === id, row.id);
  await tabTo(page, browser, ({ isPanel, what }) => isPanel && /Close/.test(what));
  await page.keyboard.press("Enter");
  await isBack("the button that closes");
  // A link to it, which leads there.
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowRight");
  await panel(page).locator("table").first().waitFor();
  await page.keyboard.press("y");
  await page.getByText("Copied a link").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /\/trace\/[0-9a-f]{32}\?.*span=[0-9a-f]{16}/);
  const theirs = await browser.page();
  await theirs.goto(link);
  await theirs.locator(`#${row.id}[aria-selected=true]`).waitFor();
  await theirs.context().close();
  // Back is the browser's own key, so the page must leave it alone; headless there is nobody to take it.
  const isFree = await page.evaluate(() =>
    document.activeElement.dispatchEvent(
      new KeyboardEvent("keydown", { key: "ArrowLeft", altKey: true, bubbles: true, cancelable: true }),
    ),
  );
  assert.ok(isFree, "alt and ← do not lead to the page before");
  await page.goBack();
  await page.locator("tbody tr a").first().waitFor();
  assert.equal(page.url(), searched);
}

/** Everything that a key can change, but for what comes from the server later. */
const state = (page) =>
  page.evaluate(() =>
    // Once what was pressed before is drawn.
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => {
      const all = (selector, of) => [...document.querySelectorAll(selector)].map(of);
      const { activeElement: active } = document;
      return JSON.stringify([
        active.id || active.dataset.at || active.ariaRowIndex || `${active.tagName} ${active.ariaLabel}`,
        document.querySelector("[aria-rowcount]")?.ariaRowCount,
        all("[role=row][aria-selected=true], [aria-rowindex]", (row) => [row.id, row.ariaExpanded]),
        all("[role=tab], [role=radio], [role=option], button[aria-pressed]", (it) => [
          it.textContent,
          it.ariaSelected,
          it.ariaChecked,
          it.ariaPressed,
        ]),
        all("[class*=tick], [class*=trail] nav", ({ textContent }) => textContent),
        all("main button", ({ textContent }) => textContent).filter((text) => /Pause|Go on/.test(text)),
        all("textarea", ({ value }) => value),
        document.querySelector("dialog[open]") !== null,
        document.querySelector("aside[aria-label=Span]") !== null,
        document.querySelector("[role=status][data-shown]")?.textContent,
        new URLSearchParams(location.search).get("q"),
        new URLSearchParams(location.search).get("focus"),
      ]);
    }),
  );

/** The keys of the help as it is shown here, by section. */
async function listedKeys(page) {
  await page.locator("main").waitFor();
  await page.keyboard.press("?");
  const sections = await page
    .locator("dialog[open] section")
    .evaluateAll((all) =>
      all.map((section) => [
        section.querySelector("h3").textContent,
        [...section.querySelectorAll("dt")].map(({ textContent }) => textContent.trim()),
      ]),
    );
  await page.keyboard.press("Escape");
  return Object.fromEntries(sections);
}

/** Which keys something listens to, of all that a keyboard has: those whose event it takes. */
const boundKeys = (page, selector, events) =>
  page.evaluate(
    ([selector, events]) => {
      const bound = [];
      for (const init of events) {
        const target = document.querySelector(selector) ?? document.body;
        const event = new KeyboardEvent("keydown", { ...init, bubbles: true, cancelable: true });
        target.dispatchEvent(event);
        if (event.defaultPrevented) bound.push(init);
        document.querySelector("dialog[open]")?.close();
      }
      return bound;
    },
    [selector, events],
  );

/** Where keys are listened to, and the section of the help that says so. */
const LISTENING = ({ base, trace, pair, spans }) => [
  [`${base}/`, "main", "body", "Everywhere"],
  [`${base}/search?q=${encoded("{ }")}`, "tbody tr", "body", "Everywhere"],
  [`${base}/search?q=${encoded("{ }")}`, "tbody tr", "textarea", "In a query"],
  [`${base}/map`, "[data-node]", "body", "Everywhere"],
  [`${base}/live`, "table", "body", "Live"],
  [`${base}/trace/${trace}`, "[role=treegrid] [role=row]", "body", "In a trace"],
  [
    `${base}/trace/${trace}?span=${spans.at(-1).spanID}`,
    "[role=row][aria-selected=true]",
    "[role=row][aria-selected=true]",
    "In a trace",
  ],
  [`${base}/trace/${trace}?view=table`, "[role=grid] [role=row][id]", "body", "In a trace"],
  [`${base}/trace/${trace}?view=flame`, "[role=application]", "[role=application]", "In a trace"],
  [`${base}/trace/${trace}?view=merged`, "[role=application]", "body", "In a trace"],
  [
    `${base}/trace/${pair}`,
    "[role=treegrid] [aria-rowindex='2']",
    "[role=row][tabindex='0']",
    "In a comparison",
  ],
  [`${base}/structure?q=%7B%7D`, "[data-at]", "[data-at][tabindex='0']", "In a comparison"],
];

async function everyBoundKeyIsListed(given, page) {
  const name = ({ key, ctrlKey, altKey, shiftKey }) =>
    `${ctrlKey ? "ctrl " : ""}${altKey ? "alt " : ""}${shiftKey && key.length > 1 ? "shift " : ""}${key}`;
  for (const [address, there, selector, section] of LISTENING(given)) {
    await page.goto(address);
    await page.locator(there).first().waitFor();
    const listed = await listedKeys(page);
    const sections = Object.entries(listed).filter(
      ([where]) => where === "Everywhere" || where.startsWith(section),
    );
    const known = new Set(sections.flatMap(([, keys]) => keys.flatMap(keysOf)));
    for (const events of [PLAIN, MODIFIED, ESCAPED]) {
      const bound = (await boundKeys(page, selector, events)).map(name);
      const secret = bound.filter((key) => !known.has(key));
      assert.deepEqual(secret, [], `${new URL(address).pathname}, ${selector}: not in the help`);
    }
  }
}

/** Brings the page into the state in which a key has something to do. */
async function prepared(page, { open, there, before = [], focus }) {
  await page.goto(open);
  await page.locator(there).first().waitFor();
  if (focus) await page.locator(focus).first().focus();
  for (const step of before) {
    if (step.type !== undefined) await page.locator("textarea").fill(step.type);
    else if (step.until !== undefined) await page.locator(step.until).first().waitFor();
    else await page.keyboard.press(step);
  }
}

async function everyListedKeyWorks(given, page) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(given.base);
  const listed = await listedKeys(page);
  // `sql.mjs` and `sampling.mjs` press those of their pages.
  for (const section of ["In SQL", "Sampling rules"]) delete listed[section];
  const checked = KEYS(given);
  assert.deepEqual(Object.keys(checked), Object.keys(listed), "the sections of the help");
  for (const [section, keys] of Object.entries(checked)) {
    assert.deepEqual(Object.keys(keys).sort(), listed[section].toSorted(), section);
    for (const [says, cases] of Object.entries(keys)) {
      // What is checked are all of the keys that are named.
      const pressed = new Set(cases.map(({ key }) => key));
      assert.ok(pressed.size >= Math.min(2, says.split(" ").length) || /^(ctrl|alt|g) /.test(says), says);
      for (const one of cases) {
        await prepared(page, one);
        const was = await state(page);
        await page.keyboard.press(one.key);
        let now = was;
        const pressedAt = performance.now();
        while (now === was && performance.now() - pressedAt < EFFECT_MILLIS_MAX) now = await state(page);
        assert.notEqual(now, was, `${section}: ${one.key} does nothing`);
      }
    }
  }
}

export async function checkKeyboard({ check, base, api, browser, trace, spans }) {
  const q = encoded("{ rootName = `POST /checkout` }");
  const { traces } = await api(`/tempo/api/search?limit=2&order=duration&q=${q}`);
  const pair = traces.map(({ traceID }) => traceID.padStart(32, "0")).join("...");
  const given = { base, browser, trace, spans, pair };
  await check("by keys alone: from a search to a span, a link to it, and back", (page) =>
    searchToSpanAndBack(given, page),
  );
  await check("every key that something listens to is in the help", (page) =>
    everyBoundKeyIsListed(given, page),
  );
  await check("every key of the help does something", (page) => everyListedKeyWorks(given, page));
}

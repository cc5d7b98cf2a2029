// Zooming into a trace whose times are known, and links that lead to the same place elsewhere.
import assert from "node:assert/strict";
import { found, openTrace, panel, param, rows } from "./looking.mjs";

/** The share of the axis that a drag chooses, from the left. */
const DRAG = [0.25, 0.5];
/** What somebody has set before a link is opened, none of it as it comes. */
const SETTINGS = { theme: "light", utc: "1", "trace-names-width": "560" };

export async function checkZoom({ check, base, browser, traces }) {
  const trace = traces.thousand;
  const whole = trace.spans[0].duration;
  const open = (page, query) => openTrace(page, base, trace, query);

  await check("a drag over the axis shows that time, and each label stands at its own", async (page) => {
    await open(page);
    const width = await widthOf(page);
    let window = [0, whole];
    await showsWindow(page, window, whole);
    // Ever closer: from ten seconds to a tenth of a millisecond.
    for (const [from, to] of [DRAG, [0.4, 0.6], [0.5, 0.55], [0.3, 0.32], [0.5, 0.52]]) {
      const [left, right] = window;
      const before = param(page, "z");
      await drag(page, from, to);
      await page.waitForURL((url) => ![null, before].includes(url.searchParams.get("z")));
      const wanted = [from, to].map((share) => left + share * (right - left));
      window = windowOf(page);
      const pixel = (right - left) / width;
      for (const i of [0, 1])
        assert.ok(Math.abs(window[i] - wanted[i]) <= pixel, `${window} for ${wanted}, a pixel is ${pixel}`);
      await showsWindow(page, window, whole);
    }
  });

  await check("a zoom leads back, to all, and is the same after a reload", async (page) => {
    await open(page);
    await drag(page, ...DRAG);
    await page.waitForURL(/z=\d+-\d+/);
    const first = windowOf(page);
    await drag(page, 0.4, 0.6);
    await page.waitForURL((url) => url.searchParams.get("z") !== first.join("-"));
    const second = windowOf(page);
    await page.reload();
    await rows(page).first().waitFor();
    await showsWindow(page, second, whole);
    assert.deepEqual(windowOf(page), second);
    await open(page);
    await drag(page, ...DRAG);
    await drag(page, 0.4, 0.6);
    await page.waitForURL((url) => url.searchParams.get("z") === second.join("-"));
    await page.keyboard.press("Alt+ArrowLeft");
    await page.waitForURL((url) => url.searchParams.get("z") === first.join("-"));
    await showsWindow(page, first, whole);
    await page.keyboard.press("Alt+ArrowLeft");
    await page.waitForURL((url) => !url.searchParams.has("z"));
    await showsWindow(page, [0, whole], whole);
    await drag(page, ...DRAG);
    await page.waitForURL(/z=\d+-\d+/);
    await page.keyboard.press("0");
    await page.waitForURL((url) => !url.searchParams.has("z"));
    await showsWindow(page, [0, whole], whole);
  });

  await check("a link opens the same elsewhere, and changes nothing that a reader has set", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(page);
    await drag(page, ...DRAG);
    await page.keyboard.press("/");
    await page.keyboard.insertText("{ status = error }");
    await page.keyboard.press("Escape");
    await page.keyboard.press("h");
    const n = trace.spans.filter(({ isError }) => isError).length;
    await found(page).getByText(String(n), { exact: true }).waitFor();
    for (const key of ["e", "e", "2"]) await page.keyboard.press(key);
    await page.locator("[role=application]").waitFor();
    await page.keyboard.press("y");
    await page.getByText("Copied a link").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const names = [...new URL(link).searchParams.keys()].sort();
    assert.deepEqual(names, ["f", "hide", "span", "view", "z"]);
    const ours = await flameState(page);
    assert.match(ours.found, new RegExp(`^\\d+/${n}$`));

    const fresh = await browser.page();
    await fresh.goto(link);
    assert.deepEqual(await flameState(fresh), ours, "the same for who was never here");
    await fresh.context().close();

    const theirs = await browser.page();
    await theirs.goto(base);
    await theirs.evaluate((settings) => {
      for (const [key, value] of Object.entries(settings)) localStorage.setItem(key, value);
    }, SETTINGS);
    await theirs.reload();
    const before = await theirs.evaluate(() => ({ ...localStorage }));
    await theirs.goto(link);
    const { drawn, ...shown } = await flameState(theirs);
    const { drawn: _, ...wanted } = ours;
    assert.deepEqual(shown, wanted);
    assert.notEqual(drawn, ours.drawn, "drawn in the colors of another theme");
    assert.equal(await theirs.evaluate(() => document.documentElement.dataset.theme), SETTINGS.theme);
    await theirs.keyboard.press("1");
    await rows(theirs).first().waitFor();
    const names560 = await rows(theirs).first().locator("[role=gridcell]").boundingBox();
    assert.equal(`${names560.width}`, SETTINGS["trace-names-width"]);
    assert.deepEqual(await theirs.evaluate(() => ({ ...localStorage })), before);
    for (const [key, value] of Object.entries(SETTINGS)) assert.equal(before[key], value);
    await theirs.context().close();
  });
}

const axis = (page) => page.getByTitle("Drag to zoom, double-click to show all").first();
const widthOf = async (page) => (await axis(page).boundingBox()).width;
const windowOf = (page) => param(page, "z").split("-").map(Number);

async function drag(page, from, to) {
  const box = await axis(page).boundingBox();
  await page.mouse.move(box.x + box.width * from, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, box.y + 10, { steps: 4 });
  await page.mouse.up();
}

/** The labels of the axis stand at their times, and the small picture has the same window; both to a pixel. */
async function showsWindow(page, [from, to], whole) {
  await page.waitForFunction(
    ([title, n]) => document.querySelector(`[title='${title}']`)?.querySelectorAll("span").length >= n,
    ["Drag to zoom, double-click to show all", 3],
  );
  const width = await widthOf(page);
  const labels = await axis(page)
    .locator("span")
    .evaluateAll((all) => all.map(({ textContent, style }) => [textContent, Number.parseFloat(style.left)]));
  assert.equal(new Set(labels.map(([label]) => label)).size, labels.length, `${labels} differ`);
  for (const [label, left] of labels) {
    const wanted = ((nanosOf(label) - from) / (to - from)) * width;
    assert.ok(Math.abs(left - wanted) <= 1, `${label} at ${left}; expected ${wanted}`);
  }
  const small = page.locator("[role=img][aria-label^='The whole trace']");
  const around = await small.boundingBox();
  const [left, right] = await small
    .locator(":scope > span")
    .evaluateAll((all) => all.slice(0, 2).map((span) => span.getBoundingClientRect().toJSON()));
  const xOf = (time) => around.x + (time / whole) * around.width;
  assert.ok(Math.abs(left.right - xOf(from)) <= 1, `the window begins at ${left.right}, not ${xOf(from)}`);
  assert.ok(Math.abs(right.left - xOf(to)) <= 1, `the window ends at ${right.left}, not ${xOf(to)}`);
}

/** A label of an axis in nanoseconds. */
function nanosOf(label) {
  const [, digits, unit] = /^([−\d.]+) (ns|µs|ms|s)$/.exec(label) ?? [];
  assert.ok(unit, `${label} is no time`);
  return Number(digits.replace("−", "-")) * { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }[unit];
}

/** What a link is to lead to: everything that the flame graph shows of the state. */
async function flameState(page) {
  await page.locator("[role=application]").waitFor();
  await panel(page).locator("table").first().waitFor();
  await found(page)
    .getByText(/^\d+\/\d+$/)
    .waitFor();
  await page.waitForURL(/span=/);
  return {
    address: ["span", "view", "z", "f", "hide"].map((name) => param(page, name)),
    tab: await page.locator("[role=tablist][aria-label=View] [aria-selected=true]").textContent(),
    labels: await axis(page).locator("span").allTextContents(),
    filter: await page.getByRole("searchbox", { name: "Find in this trace" }).inputValue(),
    found: await found(page).textContent(),
    isHiding: await page.getByRole("radio", { name: "Hide" }).getAttribute("aria-checked"),
    span: await panel(page).getByRole("heading").first().textContent(),
    id: await panel(page).getByRole("row", { name: "span id" }).locator("td").first().textContent(),
    drawn: await page
      .locator("[role=application]")
      .evaluate((view) =>
        [...view.parentElement.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()).join(),
      ),
  };
}

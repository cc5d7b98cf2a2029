// The field for TraceQL: what it offers, what it underlines, and what runs a query.
import assert from "node:assert/strict";
import { INVALID, VALID } from "./queries.mjs";
import { suiteQueries } from "./suites.mjs";
import { clockWhen, median, within } from "./times.mjs";

const encoded = encodeURIComponent;
/** Pages that write queries at the same time: each query rests for a moment before it is looked at. */
const WRITERS = 6;

const field = (page) => page.getByRole("textbox", { name: "TraceQL", exact: true });

/** `window.checkedQuery` becomes the query whose check has been answered and drawn. */
function tellChecked() {
  const real = window.fetch;
  window.fetch = async (...given) => {
    const response = await real(...given);
    const url = new URL(response.url);
    if (!url.pathname.endsWith("/traceql/check")) return response;
    const read = response.json.bind(response);
    response.json = async () => {
      const answer = await read();
      const drawn = () => {
        window.checkedQuery = url.searchParams.get("q");
      };
      requestAnimationFrame(() => requestAnimationFrame(drawn));
      return answer;
    };
    return response;
  };
}

/** Writes a query and waits until what is wrong with it is drawn; then what is underlined, and where. */
async function written(page, query) {
  await page.evaluate(() => {
    window.checkedQuery = undefined;
  });
  // The same again would not be looked at again.
  await field(page).fill("{ } ");
  await field(page).fill(query);
  const checked = page.waitForFunction((query) => window.checkedQuery === query, query);
  await checked.catch((error) => {
    throw new Error(`${JSON.stringify(query)} is not looked at: ${error.message}`);
  });
  return page.evaluate(() => {
    const layer = document.querySelector("textarea[aria-label=TraceQL]").parentElement.querySelector("pre");
    const marks = [...layer.querySelectorAll("[data-problem=error]")];
    const [first] = marks;
    if (!first) return null;
    const before = document.createRange();
    before.setStart(layer, 0);
    before.setEndBefore(first);
    const lead = before.toString();
    const style = getComputedStyle(first);
    // Where the column is drawn, by the width of one letter of the same font.
    const ruler = document.createElement("canvas").getContext("2d");
    ruler.font = getComputedStyle(layer).font;
    const letter = ruler.measureText("0").width;
    const padding = Number.parseFloat(getComputedStyle(layer).paddingLeft);
    const { left, width } = first.getBoundingClientRect();
    return {
      // As somebody counts: characters of the line, from 1.
      column: [...lead.split("\n").at(-1)].length + 1,
      line: lead.split("\n").length,
      drawnColumn: (left - layer.getBoundingClientRect().left - padding) / letter + 1,
      width,
      text: marks.map(({ textContent }) => textContent).join(""),
      squiggle: `${style.textDecorationLine} ${style.textDecorationStyle}`,
    };
  });
}

/** What is told about the query once it is left. */
async function told(page) {
  await field(page).focus();
  await field(page).blur();
  const alert = page.locator("[role=alert] li[data-severity=error]").first();
  await alert.waitFor();
  return alert.textContent();
}

function isMarked(mark, query) {
  assert.ok(mark, `nothing of ${query} is underlined`);
  assert.match(mark.squiggle, /^underline wavy/, query);
  assert.ok(mark.width > 2, `${query}: ${mark.width} pixels are underlined`);
}

async function writer(browser, address) {
  const page = await browser.page();
  await page.addInitScript(tellChecked);
  await page.goto(address);
  await field(page).waitFor();
  return page;
}

export async function checkEditor({ check, api, browser, searched }) {
  await check("valid queries have no mark, and each mistake one at its column, with a message", async () => {
    const page = await writer(browser, searched("{}"));
    for (const query of VALID) assert.equal(await written(page, query), null, `${query} is valid`);
    for (const [query, column, text] of INVALID) {
      const mark = await written(page, query);
      isMarked(mark, query);
      assert.deepEqual([mark.column, mark.text], [column, text], query);
      assert.ok(Math.abs(mark.drawnColumn - column) < 0.2, `${query}: drawn at ${mark.drawnColumn}`);
      const [, toldColumn, message] = /^line 1, col (\d+)\s+(.*)$/s.exec(await told(page)) ?? [];
      assert.equal(Number(toldColumn), column, query);
      assert.ok(message?.length > 10, `${query}: ${message}`);
    }
    await page.context().close();
  });

  const suite = suiteQueries();
  if (!suite) console.log("SKIPPED: ../shared/suites is not there, its queries are not written");
  else
    await check(
      `the ${suite.length} queries of the conformance data are marked as they should be`,
      async () => {
        const waiting = [...suite];
        const counts = { valid: 0, marked: 0 };
        const write = async () => {
          const page = await writer(browser, searched("{}"));
          for (let next = waiting.pop(); next; next = waiting.pop()) await one(page, next, counts);
          await page.context().close();
        };
        const one = async (page, { query, valid, column }, counts) => {
          const answer = await api(`/api/ui/traceql/check?q=${encoded(query)}`);
          if (valid !== undefined) assert.equal(answer.valid, valid, query);
          const mark = await written(page, query);
          if (answer.valid) {
            assert.equal(mark, null, `${query} is valid, and ${mark?.text} is underlined`);
            counts.valid++;
            return;
          }
          isMarked(mark, query);
          counts.marked++;
          const { from, message } = answer.errors.find(({ severity }) => severity === "error");
          const before = Buffer.from(query).subarray(0, from).toString().split("\n");
          assert.deepEqual(
            [mark.line, mark.column],
            [before.length, [...before.at(-1)].length + 1],
            `${query}: the mark is not where the server says that the mistake is`,
          );
          // Columns of the data count bytes of the whole text.
          if (column !== undefined) assert.equal(from + 1, column, `${query}: the column of the data`);
          const said = await told(page);
          assert.ok(said.includes(`line ${mark.line}, col ${mark.column}`), `${query}: ${said}`);
          assert.ok(said.includes(message), `${query}: ${said}`);
        };
        await Promise.all(Array.from({ length: WRITERS }, write));
        console.log(`        ${counts.valid} valid, ${counts.marked} with a mistake`);
        assert.ok(counts.valid > 100 && counts.marked > 80, JSON.stringify(counts));
      },
    );

  await check("after { resource. the attributes of resources are offered within 200 ms", async (page) => {
    const { scopes } = await api("/tempo/api/v2/search/tags?scope=resource");
    const wanted = scopes.find(({ name }) => name === "resource").tags;
    assert.ok(wanted.length >= 5, `${wanted}`);
    await page.goto(searched("{}"));
    await field(page).waitFor();
    const list = page.getByRole("listbox", { name: /^Suggestions/ });
    const millis = await median(async () => {
      await field(page).fill("");
      await field(page).pressSequentially("{ resource");
      await list.waitFor();
      await page.keyboard.press("Escape");
      await list.waitFor({ state: "detached" });
      await page.evaluate(() => {
        window.offered = undefined;
        addEventListener(
          "keydown",
          () => {
            const from = performance.now();
            const look = () => {
              const all = document.querySelectorAll("[role=listbox][aria-label^=Suggestions] [role=option]");
              if (all.length > 1) window.offered = performance.now() - from;
              else requestAnimationFrame(look);
            };
            look();
          },
          { once: true, capture: true },
        );
      });
      await page.keyboard.type(".");
      return clockWhen(page, () => window.offered);
    });
    within(millis, 200, "completion");
    const names = await list.getByRole("option").locator("span:first-child").allInnerTexts();
    for (const tag of wanted) assert.ok(names.includes(tag), `${tag} is not in ${names}`);
    assert.equal(await field(page).inputValue(), "{ resource.");
  });

  for (const key of ["Control+Enter", "Shift+Enter"]) {
    await check(`${key} runs a query, also while a list is open`, async (page) => {
      await page.goto(searched("{}"));
      await field(page).fill("{ kind = client }");
      await field(page).press("End");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Control+Space");
      await page.getByRole("listbox", { name: /^Suggestions/ }).waitFor();
      await page.keyboard.press(key);
      await page.waitForURL((url) => url.searchParams.get("q") === "{ kind = client }");
      await page.locator("tbody tr").first().waitFor();
      const isFocused = await field(page).evaluate((element) => element === document.activeElement);
      assert.ok(isFocused, "whoever ran the query can go on writing it");
    });
  }
}

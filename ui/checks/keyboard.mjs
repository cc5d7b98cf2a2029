// Without a mouse: from a search to a span and back, and every key that the help lists.
import assert from "node:assert/strict";

const encoded = encodeURIComponent;

export async function checkKeyboard({ check, base, trace, spans }) {
  await check("by keys alone: from a search to a span, a link to it, and back", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`${base}/search?q=${encoded("{ status = error }")}`);
    await page.locator("tbody tr a").first().waitFor();
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        // A field within a box has its ring around the box, a row around its name.
        const isRinged = (it) => {
          const { outlineStyle, outlineWidth } = getComputedStyle(it);
          return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1;
        };
        const around = [
          element,
          element.parentElement,
          element.parentElement?.parentElement,
          ...element.children,
        ];
        const { width, height } = element.getBoundingClientRect();
        return {
          href: element.getAttribute("href") ?? "",
          isTrace: element.closest("tbody") !== null && element.tagName === "A",
          isVisible: around.some((it) => it && isRinged(it)) && width * height > 0,
          what: `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent.slice(0, 40)}`,
        };
      });
    let at = { isTrace: false };
    for (let i = 0; i < 120 && !at.isTrace; i++) {
      await page.keyboard.press("Tab");
      at = await focused();
      assert.ok(at.isVisible, `the focus on ${at.what} cannot be seen`);
    }
    assert.ok(at.isTrace, `no trace is reached: ${at.what}`);
    await page.keyboard.press("Enter");
    await page.locator("[role=treegrid] [role=row]").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("[");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.locator("aside[aria-label=Span] table").first().waitFor();
    assert.ok((await focused()).isVisible, "the focus on a row cannot be seen");
    await page.keyboard.press("y");
    await page.getByText("Copied a link").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(link, /\/trace\/[0-9a-f]{32}\?.*span=[0-9a-f]{16}/);
    await page.goBack();
    await page.locator("tbody tr a").first().waitFor();
  });

  // What has to be pressed before, so that the key has something to do.
  const KEYS = {
    "↑ ↓": [
      [[], "ArrowDown"],
      [["ArrowDown", "ArrowDown"], "ArrowUp"],
    ],
    "← →": [
      [["ArrowDown"], "ArrowLeft"],
      [["ArrowDown", "ArrowLeft"], "ArrowRight"],
    ],
    ". ,": [
      [["sibling"], "."],
      [["sibling", "."], ","],
    ],
    "g r": [[["e", "g"], "r"]],
    enter: [[["ArrowDown", "ArrowDown"], "Enter"]],
    r: [[["ArrowDown", "ArrowDown", "Enter"], "r"]],
    space: [[["ArrowDown"], "Space"]],
    "1 – 7": ["2", "3", "4", "5", "6", "7"].map((key) => [[], key]).concat([[["2"], "1"]]),
    "/": [[[], "/"]],
    "n N": [
      [["find"], "n"],
      [["find", "n"], "N"],
    ],
    "e E": [
      [[], "e"],
      [[], "E"],
    ],
    "w s": [
      [[], "w"],
      [["w", "w"], "s"],
    ],
    "a d": [
      [["w", "w"], "a"],
      [["w", "w"], "d"],
    ],
    f: [[["e"], "f"]],
    c: [[[], "c"]],
    h: [[["find"], "h"]],
    y: [[[], "y"]],
    0: [[["w"], "0"]],
    "alt ←": [[["w"], "Alt+ArrowLeft"]],
    "[ ]": [
      [[], "["],
      [["["], "]"],
    ],
    esc: [[["ArrowDown"], "Escape"]],
  };

  await check("every key that the help lists for a trace does something", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`${base}/trace/${trace}`);
    await page.locator("[role=treegrid] [role=row]").first().waitFor();
    await page.keyboard.press("?");
    const section = page.locator("dialog section").filter({ hasText: "In a trace" });
    const listed = await section.locator("dt").allInnerTexts();
    assert.deepEqual(
      listed.map((key) => key.trim()).sort(),
      Object.keys(KEYS).sort(),
      "the keys that are checked are those of the help",
    );
    await page.keyboard.press("Escape");
    const withSibling = spans.find((span) => {
      const parent = span.references[0]?.spanID;
      return parent && spans.filter(({ references }) => references[0]?.spanID === parent).length > 1;
    });
    const firstChild = spans
      .filter(({ references }) => references[0]?.spanID === withSibling.references[0].spanID)
      .sort((a, b) => a.startTime - b.startTime)[0];
    for (const [listed, cases] of Object.entries(KEYS)) {
      for (const [before, key] of cases) {
        const at = before.includes("sibling") ? `?span=${firstChild.spanID}` : "";
        const find = before.includes("find") ? "?f=post" : "";
        await page.goto(`${base}/trace/${trace}${at}${find}`);
        await page.locator("[role=treegrid] [role=row]").first().waitFor();
        if (find) await page.getByRole("status").getByText(/^\d+$/).first().waitFor();
        for (const press of before)
          if (press.length < 4 || /^[A-Z]/.test(press)) await page.keyboard.press(press);
        const was = await page.evaluate(settled);
        await page.keyboard.press(key);
        assert.notEqual(
          await page.evaluate(settled),
          was,
          `${listed}: ${[...before, key].join(" ")} does nothing`,
        );
      }
    }
  });
}

/**
 * Everything that a key can change: the address, the focus, rows, the panel, what is said. The address waits for what
 * changes by the frame: it is read when nothing has changed for longer than that.
 */
async function settled() {
  const read = () => {
    const grid = document.querySelector("[role=treegrid]");
    const chosen = grid?.querySelector("[role=row][aria-selected=true]");
    return JSON.stringify([
      location.search,
      document.activeElement?.id || document.activeElement?.tagName,
      grid?.getAttribute("aria-rowcount"),
      chosen?.id,
      chosen?.getAttribute("aria-expanded"),
      document.querySelector("aside[aria-label=Span]") !== null,
      [...document.querySelectorAll("[role=status]")].map(({ textContent }) => textContent),
    ]);
  };
  let [state, since] = [read(), performance.now()];
  while (performance.now() - since < 200) {
    await new Promise((done) => requestAnimationFrame(done));
    const now = read();
    if (now !== state) [state, since] = [now, performance.now()];
  }
  return state;
}

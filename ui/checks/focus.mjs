// Where the keyboard is, and whether that can be seen.
import { contrast } from "./contrast.mjs";

/** Pixels around an element in which its ring is. */
const AROUND = 8;
/** A ring of two pixels around something small has many more. */
const SEEN_PIXELS = 24;

/** Where the focus is. */
export const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return {
      href: element.getAttribute("href") ?? "",
      id: element.id,
      isTrace: element.closest("tbody") !== null && /\/trace\//.test(element.getAttribute("href") ?? ""),
      isRow: element.matches("[role=row]"),
      isPanel: element.closest("aside[aria-label=Span]") !== null,
      what: `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent.slice(0, 40)}`,
      box: { left, top, right, bottom },
    };
  });

/** Takes what shows the focus away, and returns how to bring it back. */
const WITHOUT = {
  outline: [
    () => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("*, *::before, *::after { outline: none !important; }");
      document.adoptedStyleSheets = [sheet];
    },
    () => {
      document.adoptedStyleSheets = [];
    },
  ],
  // What is drawn has no outline; it loses the focus for a moment.
  focus: [
    () => {
      window.focusedBefore = document.activeElement;
      document.activeElement.blur();
    },
    () => window.focusedBefore.focus({ preventScroll: true }),
  ],
};

/** How many pixels show that something has the focus: the same picture without it differs in them. */
export async function ringPixels(page, browser, by = "outline") {
  const { box } = await focused(page);
  const { width, height } = page.viewportSize();
  const x = Math.max(0, box.left - AROUND);
  const y = Math.max(0, box.top - AROUND);
  const clip = {
    x,
    y,
    width: Math.min(width, box.right + AROUND) - x,
    height: Math.min(height, box.bottom + AROUND) - y,
  };
  if (clip.width <= 0 || clip.height <= 0) return 0;
  const look = async () => browser.pixels(await page.screenshot({ clip, animations: "disabled" }));
  const ringed = await look();
  await page.evaluate(WITHOUT[by][0]);
  const bare = await look();
  await page.evaluate(WITHOUT[by][1]);
  let seen = 0;
  for (let i = 0; i < ringed.data.length; i += 4) {
    const [a, b] = [ringed, bare].map(({ data }) => [data[i], data[i + 1], data[i + 2]]);
    if (a.some((value, channel) => value !== b[channel]) && contrast(a, b) >= 3) seen++;
  }
  return seen;
}

/** Fails when nobody can see where the focus is. */
export async function expectRing(page, browser, by = "outline") {
  const seen = await ringPixels(page, browser, by);
  const { what } = await focused(page);
  if (seen < SEEN_PIXELS) throw new Error(`the focus on ${what} cannot be seen: ${seen} pixels differ`);
}

/** Presses Tab until `isThere`, and looks at the ring of every stop. */
export async function tabTo(page, browser, isThere, { most = 150, key = "Tab", ring = true } = {}) {
  let at = await focused(page);
  for (let i = 0; i < most; i++) {
    await page.keyboard.press(key);
    at = await focused(page);
    if (ring) await expectRing(page, browser);
    if (isThere(at)) return at;
  }
  throw new Error(`${most} stops lead to ${at.what}`);
}

// A hundred thousand spans, scrolled through by wheel from top to bottom: how smoothly, and what is on the screen.
import assert from "node:assert/strict";
import { grid, hasRows, openTrace } from "./looking.mjs";
import { Decoder } from "./picture.mjs";
import { within } from "./times.mjs";

const MILLIS = 5000;
const ROW = 24;
/** Less than what is above and below the letters of a row. */
const EDGE = 6;
/** Pictures that are looked at: of all of them, every so many. */
const LOOKED_MAX = 60;
/** Left of the bars. */
const NAMES = 400;

export async function checkScrolling({ check, base, browser, traces }) {
  const open = async (page) => {
    await openTrace(page, base, traces.hundredThousand);
    await hasRows(page, traces.hundredThousand.spans.length);
    const box = await grid(page).locator("xpath=..").boundingBox();
    await page.mouse.move(box.x + NAMES + 200, box.y + box.height / 2);
    return box;
  };

  await check("a hundred thousand spans scroll smoothly, in few nodes and little memory", async (page) => {
    await open(page);
    const client = await page.context().newCDPSession(page);
    await page.evaluate(countFrames);
    let heap = 0;
    const took = await wheel(page, async () => {
      const usage = await client.send("Runtime.getHeapUsage");
      // Columns of numbers are not in the heap itself.
      heap = Math.max(
        heap,
        usage.usedSize + (usage.embedderHeapUsedSize ?? 0) + (usage.backingStorageSize ?? 0),
      );
    });
    const { deltas, nodes } = await page.evaluate(() => window.scrolled);
    deltas.sort((a, b) => a - b);
    assert.ok(took < MILLIS * 2 && deltas.length > 50, `${deltas.length} frames in ${took} ms`);
    within(deltas[Math.floor(deltas.length * 0.95)], 25, `p95 of ${deltas.length} frames`);
    console.log(`        at most ${nodes} nodes, ${Math.round(heap / 1e6)} MB of JavaScript`);
    assert.ok(nodes > 100 && nodes < 2500, `${nodes} nodes`);
    assert.ok(heap > 1e6 && heap < 200e6, `${heap} bytes of JavaScript`);
  });

  await check("no row is blank in any picture taken while scrolling", async (page) => {
    const box = await open(page);
    const pictures = [];
    // Every frame that is put on the screen, as it is there, and screenshots in between.
    const client = await page.context().newCDPSession(page);
    client.on("Page.screencastFrame", ({ data, sessionId }) => {
      pictures.push(Buffer.from(data, "base64"));
      client.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
    });
    await client.send("Page.startScreencast", { format: "png" });
    let shots = 0;
    await wheel(page, async () => {
      if (++shots % 20 === 0) pictures.push(await page.screenshot());
    });
    await client.send("Page.stopScreencast");
    pictures.push(await page.screenshot());
    assert.ok(pictures.length > 20, `${pictures.length} pictures`);
    const looked = pictures.filter((_, i) => i % Math.ceil(pictures.length / LOOKED_MAX) === 0);
    const parts = partsOf(box);
    const different = new Set();
    const decoder = await Decoder.start(browser);
    for (const [i, picture] of looked.entries()) {
      const ink = await decoder.ink(picture, parts);
      hasNoBlankRow(ink, `picture ${i + 1} of ${looked.length}`);
      different.add(ink.names.join());
    }
    await decoder.stop();
    console.log(
      `        ${pictures.length} pictures, ${looked.length} looked at, ${different.size} different`,
    );
    assert.ok(different.size > 15, `${different.size} different pictures`);
  });
}

/** Where names are in a picture, and where bars are. */
function partsOf({ x, y, width, height }) {
  const lines = { y: Math.ceil(y), height: Math.floor(height) };
  return {
    names: { ...lines, x: Math.ceil(x) + 8, width: NAMES - 10, isText: true },
    bars: { ...lines, x: Math.ceil(x) + NAMES + 4, width: Math.floor(width) - NAMES - 24 },
  };
}

/** Each row has a name and, as all of the time is shown, a bar or what is written beside one. */
function hasNoBlankRow({ names, bars }, where) {
  for (const [what, lines] of Object.entries({ names, bars })) {
    const blank = longestGap(lines);
    assert.ok(blank < ROW, `${blank} lines without ${what} in ${where}`);
  }
  const shown = bands(names);
  const fit = Math.floor(names.length / ROW);
  assert.ok(shown.length >= fit && shown.length <= fit + 2, `${shown.length} names, ${fit} fit in ${where}`);
  // Rows at the edges may be cut between their name and their bar: of a last one there may be but the dot of an i.
  for (const [row, { from, to }] of shown.entries()) {
    const isCut = from < EDGE || to > names.length - EDGE;
    assert.ok(isCut || bars.slice(from, to).some(Boolean), `no bar beside name ${row + 1} in ${where}`);
  }
}

/** Turns the wheel so that the bottom is reached in five seconds; how long it took. `meanwhile` is called now and then. */
async function wheel(page, meanwhile) {
  const scroller = await grid(page).locator("xpath=..").elementHandle();
  const height = await scroller.evaluate((it) => it.scrollHeight);
  const begun = performance.now();
  let before = begun;
  let isAtBottom = false;
  while (!isAtBottom) {
    const now = performance.now();
    await page.mouse.wheel(0, Math.max(1, ((now - before) / MILLIS) * height));
    before = now;
    await meanwhile();
    isAtBottom = await scroller.evaluate((it) => it.scrollTop + it.clientHeight >= it.scrollHeight - 1);
    assert.ok(now - begun < MILLIS * 12, "the wheel does not lead to the bottom");
  }
  return performance.now() - begun;
}

function countFrames() {
  const seen = { deltas: [], nodes: 0 };
  // Elements, and texts in them.
  const count = () => {
    const walker = document.createTreeWalker(document);
    let nodes = 1;
    while (walker.nextNode()) nodes++;
    return nodes;
  };
  window.scrolled = seen;
  let before = performance.now();
  const frame = (now) => {
    seen.deltas.push(now - before);
    before = now;
    if (seen.deltas.length % 10 === 0) seen.nodes = Math.max(seen.nodes, count());
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** How many lines of pixels without ink follow one another at most. */
function longestGap(lines) {
  let [longest, now] = [0, 0];
  for (const inked of lines) {
    now = inked > 0 ? 0 : now + 1;
    longest = Math.max(longest, now);
  }
  return longest;
}

/** Where lines with ink follow lines without, until there is none again: one for each row. */
function bands(lines) {
  const found = [];
  for (const [i, inked] of lines.entries()) {
    if (inked > 0 && !lines[i - 1]) found.push({ from: i, to: i + 1 });
    else if (inked > 0) found.at(-1).to = i + 1;
  }
  return found;
}

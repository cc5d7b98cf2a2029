// How long readers wait: medians of five, by the page's own clock. A machine that is busy with other things may have
// more time: TIMES_SLOWER=3.
import assert from "node:assert/strict";

const SLOWER = Number(process.env.TIMES_SLOWER ?? 1);
const RUNS = 5;

/** Whether times are those of a benchmark: nothing runs beside. */
export const isBenchmark = SLOWER === 1;

export async function median(measure) {
  const times = [];
  for (let i = 0; i < RUNS; i++) times.push(await measure());
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

export function within(millis, bar, what) {
  console.log(`        ${what}: ${Math.round(millis)} ms of ${bar}`);
  assert.ok(millis < bar * SLOWER, `${what}: ${Math.round(millis)} ms; expected less than ${bar}`);
}

/** The page's clock, which begins with the navigation, once `condition` holds. */
export const clockWhen = async (page, condition, arg) =>
  (await page.waitForFunction(condition, arg, { polling: "raf" })).jsonValue();

/** What has changed most since the time before, in a few words. */

import { duration, percent, rate } from "../text/numbers.ts";
import { change, type Figures } from "./figures.ts";

export interface Notable {
  readonly text: string;
  /** Both values, for a tooltip. */
  readonly detail: string;
  readonly worse: boolean;
}

/** Smaller changes of rates and durations are noise. */
const NOTICED = 0.25;
/** The same for shares of errors, in parts of one. */
const NOTICED_SHARE = 0.005;
/** So few spans say nothing about durations. */
const COUNT_MIN = 20;

const signed = (share: number) => {
  const size = Math.abs(share) * 100;
  const text = size >= 999.5 ? `×${(share + 1).toFixed(0)}` : `${size.toFixed(0)} %`;
  return size >= 999.5 ? text : `${share < 0 ? "−" : "+"}${text}`;
};

/** How many standard deviations of chance a difference between shares has to exceed. */
const DEVIATIONS = 3;

/** Whether the shares of errors differ by more than so many spans differ by chance. */
function isBeyondChance(now: Figures, then: Figures): boolean {
  const share = (now.failed + then.failed) / (now.count + then.count);
  const deviation = Math.sqrt(share * (1 - share) * (1 / now.count + 1 / then.count));
  return Math.abs(now.errors - then.errors) > DEVIATIONS * deviation;
}

/** `null` when nothing is worth a word. More errors come before longer durations, and these before rates. */
export function notable(now: Figures, then: Figures | undefined): Notable | null {
  if (!then || then.count === 0) return { text: "new", detail: "not there in the time before", worse: false };
  const points = now.errors - then.errors;
  if (Math.abs(points) >= NOTICED_SHARE && isBeyondChance(now, then)) {
    return {
      text: `errors ${points < 0 ? "−" : "+"}${percent(Math.abs(points)).replace(" %", " pp")}`,
      detail: `errors ${percent(then.errors)} before, ${percent(now.errors)} now`,
      worse: points > 0,
    };
  }
  const isEnough = Math.min(now.count, then.count) >= COUNT_MIN;
  const slower = isEnough ? change(now.p95, then.p95) : null;
  if (slower !== null && Math.abs(slower) >= NOTICED) {
    return {
      text: `p95 ${signed(slower)}`,
      detail: `p95 ${duration(then.p95)} before, ${duration(now.p95)} now`,
      worse: slower > 0,
    };
  }
  const more = change(now.rate, then.rate);
  if (more !== null && Math.abs(more) >= NOTICED) {
    return {
      text: `rate ${signed(more)}`,
      detail: `${rate(then.rate)} before, ${rate(now.rate)} now`,
      worse: false,
    };
  }
  return null;
}

/** Axes: round values to label, places for values, and the value nearest to a place. */

/** Steps of a decade that people count in. */
const ROUND = [1, 2, 2.5, 5, 10];

/** Round values from 0 to the first that is not below `max`, about `wanted` of them. */
export function valueTicks(max: number, wanted: number): number[] {
  if (!(max > 0) || !Number.isFinite(max)) return [0, 1];
  const exact = max / Math.max(1, wanted);
  const decade = 10 ** Math.floor(Math.log10(exact));
  const step = (ROUND.find((round) => round * decade >= exact * (1 - 1e-9)) ?? 10) * decade;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

/** Powers of ten from the last that is not above `min` to the first that is not below `max`. */
export function decades(min: number, max: number): number[] {
  if (!(min > 0) || !(max >= min)) return [1, 10];
  const first = Math.floor(Math.log10(min) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(max) - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
];

/** Round times between `from` and `to`, at most `most` of them; `offset` is the zone's, in milliseconds east of UTC. */
export function timeTicks(from: number, to: number, most: number, offset = 0): number[] {
  const exact = (to - from) / Math.max(1, most);
  const step = TIME_STEPS.find((step) => step >= exact) ?? Math.ceil(exact / DAY) * DAY;
  const first = Math.ceil((from + offset) / step) * step - offset;
  const ticks: number[] = [];
  for (let at = first; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** The position of the time nearest to `at`; -1 when there are no times. They ascend. */
export function nearest(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const before = times[low - 1];
  const here = times[low];
  if (here === undefined) return -1;
  return before !== undefined && at - before <= here - at ? low - 1 : low;
}

/** Sums of the values so far, series upon series; what is absent counts as nothing. */
export function stacked(all: readonly (readonly (number | null)[])[]): number[][] {
  let below: number[] = [];
  return all.map((values) => {
    below = values.map((value, i) => (value ?? 0) + (below[i] ?? 0));
    return below;
  });
}

/** The highest value of all; 0 when there is none. */
export function highest(all: readonly (readonly (number | null)[])[]): number {
  let max = 0;
  for (const values of all)
    for (const value of values) if (value !== null && Number.isFinite(value) && value > max) max = value;
  return max;
}

/** The lowest value above 0; 0 when there is none. */
export function lowest(all: readonly (readonly (number | null)[])[]): number {
  let min = Number.POSITIVE_INFINITY;
  for (const values of all)
    for (const value of values) if (value !== null && value > 0 && value < min) min = value;
  return Number.isFinite(min) ? min : 0;
}

/** Those of the points, in order, that are at least `distance` left, right, above or below every one before. */
export function apart<T>(
  points: readonly T[],
  at: (point: T) => readonly [number, number],
  distance: number,
): T[] {
  const kept: (readonly [number, number])[] = [];
  return points.filter((point) => {
    const [x, y] = at(point);
    const isFree = kept.every(([left, top]) => Math.max(Math.abs(left - x), Math.abs(top - y)) >= distance);
    if (isFree) kept.push([x, y]);
    return isFree;
  });
}

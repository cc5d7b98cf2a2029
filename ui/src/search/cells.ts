/** Cells of a heatmap out of the series of a histogram: counts by interval and bound. */
import type { Series } from "../api/metrics.ts";

export interface Cells {
  /** Ends of the intervals, milliseconds, ascending. */
  readonly times: readonly number[];
  /** Milliseconds between them. */
  readonly step: number;
  /** Upper bounds of the durations, nanoseconds, ascending; each is twice the one before. */
  readonly bounds: readonly number[];
  /** The highest count. */
  readonly max: number;
  count(time: number, bound: number): number;
}

const BUCKET = "__bucket";

export function cellsOf(series: readonly Series[]): Cells {
  const counts = new Map<string, number>();
  const times = new Set<number>();
  const found = new Set<number>();
  let max = 0;
  for (const { labels, values, times: ends } of series) {
    const bound = Math.round(Number(labels[BUCKET]) * 1e9);
    found.add(bound);
    values.forEach((value, i) => {
      const time = ends[i] ?? 0;
      times.add(time);
      if (!value) return;
      const key = `${time} ${bound}`;
      const count = (counts.get(key) ?? 0) + value;
      counts.set(key, count);
      max = Math.max(max, count);
    });
  }
  const sorted = [...times].sort((a, b) => a - b);
  return {
    times: sorted,
    step: sorted.length > 1 ? (sorted[1] ?? 0) - (sorted[0] ?? 0) : 60_000,
    bounds: withGaps([...found].filter((bound) => bound > 0).sort((a, b) => a - b)),
    max,
    count: (time, bound) => counts.get(`${time} ${bound}`) ?? 0,
  };
}

/** Bounds between the lowest and the highest that no span has are rows too. */
function withGaps(bounds: readonly number[]): number[] {
  const [first, last] = [bounds[0], bounds.at(-1)];
  if (first === undefined || last === undefined) return [];
  const all: number[] = [];
  for (let bound = first; bound <= last; bound *= 2) all.push(bound);
  return all;
}

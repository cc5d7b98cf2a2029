/** Rate, errors and durations of groups of spans, from the spans themselves. */
import { instantQuery, type Range, rangeQuery, type Series, stepFor } from "../api/metrics.ts";

/** What the spans of a group have done. */
export interface Figures {
  /** Values of the attributes that make the group, in the order in which they were asked for. */
  readonly values: readonly string[];
  readonly count: number;
  /** Spans per second. */
  readonly rate: number;
  /** How many have failed. */
  readonly failed: number;
  /** The same as a share of one. */
  readonly errors: number;
  /** Nanoseconds; not a number when it is not known. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Spans per second over time; empty until it has been asked for. */
  readonly trend: readonly number[];
  readonly errorTrend: readonly number[];
}

export const QUANTILES = "quantile_over_time(duration, .5, .95, .99)";
const TREND_VALUES = 48;
const NANOS_PER_SECOND = 1e9;

const grouped = (by: readonly string[]) => (by.length > 0 ? ` by (${by.join(", ")})` : "");

const keyOf = (series: Series, by: readonly string[]) =>
  JSON.stringify(by.map((name) => series.labels[name] ?? ""));

/** Ends of the intervals that are over: one that is not would look like a fall. */
export function whole(times: readonly number[], { from, to }: Range): number[] {
  return times.filter((end) => end > from && end <= to);
}

/** Values of a series at these times. */
export function valuesAt(series: Series | undefined, times: readonly number[]): (number | null)[] {
  const at = new Map(series?.times.map((time, i) => [time, series.values[i] ?? null]));
  return times.map((time) => at.get(time) ?? null);
}

/** Series of one query by the group that they belong to. */
function byGroup(series: readonly Series[], by: readonly string[]): Map<string, Series[]> {
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    const key = keyOf(one, by);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

/** What the queries of [`figuresBy`] answered. */
export interface Answers {
  readonly counts: readonly Series[];
  readonly failed: readonly Series[];
  readonly quantiles: readonly Series[];
  readonly trend: readonly Series[];
  readonly errorTrend: readonly Series[];
}

/** The answers put together; groups come as the counts have them. */
export function joined(by: readonly string[], range: Range, answers: Answers): Figures[] {
  const failed = byGroup(answers.failed, by);
  const quantiles = byGroup(answers.quantiles, by);
  const trends = byGroup(answers.trend, by);
  const errorTrends = byGroup(answers.errorTrend, by);
  const times = whole(answers.trend[0]?.times ?? [], range);
  const seconds = Math.ceil(range.to / 1e3) - Math.floor(range.from / 1e3);
  return answers.counts.map((series) => {
    const key = keyOf(series, by);
    const count = series.values[0] ?? 0;
    const errors = failed.get(key)?.[0]?.values[0] ?? 0;
    const nanos = (p: string) => {
      const found = quantiles.get(key)?.find(({ labels }) => labels.p === p);
      return (found?.values[0] ?? Number.NaN) * NANOS_PER_SECOND;
    };
    const over = (groups: Map<string, Series[]>) => {
      const [found] = groups.get(key) ?? [];
      return found ? valuesAt(found, times).map((value) => value ?? 0) : [];
    };
    return {
      values: by.map((name) => series.labels[name] ?? ""),
      count,
      rate: count / seconds,
      failed: errors,
      errors: count > 0 ? errors / count : 0,
      p50: nanos("0.5"),
      p95: nanos("0.95"),
      p99: nanos("0.99"),
      trend: over(trends),
      errorTrend: over(errorTrends),
    };
  });
}

/** Figures of the spans that pass `filter`, one per group; with `trend` also over time. */
export async function figuresBy(
  filter: string,
  by: readonly string[],
  range: Range,
  signal: AbortSignal,
  { trend = false } = {},
): Promise<Figures[]> {
  const [all, errors] = [`{ ${filter} }`, `{ (${filter}) && status = error }`];
  const group = grouped(by);
  const step = stepFor(range, TREND_VALUES);
  const over = (q: string) =>
    trend ? rangeQuery(`${q} | rate()${group}`, range, step, signal) : Promise.resolve([]);
  const [counts, failed, quantiles, trends, errorTrend] = await Promise.all([
    instantQuery(`${all} | count_over_time()${group}`, range, signal),
    instantQuery(`${errors} | count_over_time()${group}`, range, signal),
    instantQuery(`${all} | ${QUANTILES}${group}`, range, signal),
    over(all),
    over(errors),
  ]);
  return joined(by, range, { counts, failed, quantiles, trend: trends, errorTrend });
}

/** The range of the same length just before. */
export function before({ from, to }: Range): Range {
  return { from: from - (to - from), to: from };
}

/** How much has changed, of one: 0.5 is half more; `null` when there was nothing to compare with. */
export function change(now: number, then: number): number | null {
  return then > 0 && Number.isFinite(then) && Number.isFinite(now) ? now / then - 1 : null;
}

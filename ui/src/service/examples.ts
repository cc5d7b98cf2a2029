/** Single spans of an operation, with their traces. */
import { getJson } from "../api/http.ts";
import { instantQuery, type Range } from "../api/metrics.ts";
import type { SearchAnswer } from "../api/schema.ts";
import { all } from "./spans.ts";

export interface Example {
  readonly traceId: string;
  readonly spanId: string;
  /** The root of the trace. */
  readonly service: string;
  readonly name: string;
  readonly startMillis: number;
  /** Of the span itself. */
  readonly durationNanos: number;
}

/** Traces that are looked through for the slowest spans. */
const LIMIT = 200;
/** About so many spans are slower than the duration from which they are looked for. */
const SLOW_WANTED = 40;
const SPANS_PER_TRACE = 3;

/** One row per span that matched. */
export function examplesOf(answer: SearchAnswer): Example[] {
  return (answer.traces ?? []).flatMap(
    ({ traceID, rootServiceName = "", rootTraceName = "", spanSets = [] }) =>
      spanSets.flatMap(({ spans = [] }) =>
        spans.map(({ spanID, startTimeUnixNano, durationNanos = "0" }) => ({
          traceId: traceID.padStart(32, "0"),
          spanId: spanID.padStart(16, "0"),
          service: rootServiceName,
          name: rootTraceName,
          startMillis: Number(BigInt(startTimeUnixNano) / 1_000_000n),
          durationNanos: Number(durationNanos),
        })),
      ),
  );
}

async function matching(
  filter: string,
  range: Range,
  limit: number,
  signal: AbortSignal,
): Promise<Example[]> {
  const params = {
    q: `{ ${filter} }`,
    start: String(Math.floor(range.from / 1e3)),
    end: String(Math.ceil(range.to / 1e3)),
    limit: String(limit),
    spss: String(SPANS_PER_TRACE),
  };
  return examplesOf(await getJson<SearchAnswer>("/tempo/api/search", params, signal));
}

/** Newest first. */
export async function newest(
  filter: string,
  range: Range,
  count: number,
  signal: AbortSignal,
): Promise<Example[]> {
  const found = await matching(filter, range, count, signal);
  return found.sort((a, b) => b.startMillis - a.startMillis).slice(0, count);
}

/** The quantile above which there are about as many spans as are wanted. */
export function slowFrom(count: number): number {
  return Math.max(0, 1 - SLOW_WANTED / Math.max(1, count));
}

/** Longest first. */
export async function slowest(
  filter: string,
  range: Range,
  count: number,
  signal: AbortSignal,
): Promise<Example[]> {
  const [counted] = await instantQuery(`{ ${filter} } | count_over_time()`, range, signal);
  const quantile = slowFrom(counted?.values[0] ?? 0);
  let slow = filter;
  if (quantile > 0) {
    const q = `{ ${filter} } | quantile_over_time(duration, ${quantile.toFixed(6)})`;
    const [found] = await instantQuery(q, range, signal);
    // Half of it: quantiles come from histograms.
    slow = all(filter, `duration >= ${Math.floor(((found?.values[0] ?? 0) * 1e9) / 2)}ns`);
  }
  const found = await matching(slow, range, LIMIT, signal);
  return found.sort((a, b) => b.durationNanos - a.durationNanos).slice(0, count);
}

/** A span among the spans of the same service and name, an hour either side. */
import { instantQuery } from "../api/metrics.ts";
import { quoted } from "../traceql.ts";

export interface Peers {
  readonly count: number;
  /** Share of them that took no longer. */
  readonly share: number;
  /** How many by duration: nanoseconds at most, half as many at least; ascending, without gaps. */
  readonly bars: readonly { readonly bound: number; readonly count: number }[];
}

const HOUR = 3_600_000;

export interface PeerQuestion {
  readonly service: string;
  readonly name: string;
  readonly startMillis: number;
  readonly nanos: number;
}

export async function peersOf(
  { service, name, startMillis, nanos }: PeerQuestion,
  signal: AbortSignal,
): Promise<Peers> {
  const range = { from: startMillis - HOUR, to: startMillis + HOUR };
  const same = `resource.service.name = ${quoted(service)} && name = ${quoted(name)}`;
  const [shorter, histogram] = await Promise.all([
    instantQuery(`{ ${same} && duration <= ${nanos}ns } | count_over_time()`, range, signal),
    instantQuery(`{ ${same} } | histogram_over_time(duration)`, range, signal),
  ]);
  const counts = new Map(
    histogram.map(({ labels, values }) => [Math.round(Number(labels.__bucket) * 1e9), values[0] ?? 0]),
  );
  const count = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { count, share: count > 0 ? (shorter[0]?.values[0] ?? 0) / count : 0, bars: withoutGaps(counts) };
}

/** Bounds double from one to the next. */
export function withoutGaps(counts: ReadonlyMap<number, number>): { bound: number; count: number }[] {
  const bounds = [...counts.keys()].filter((bound) => bound > 0);
  const bars: { bound: number; count: number }[] = [];
  const last = Math.max(...bounds);
  for (let bound = Math.min(...bounds); bound <= last; bound *= 2)
    bars.push({ bound, count: counts.get(bound) ?? 0 });
  return bars;
}

/** `p97`, `p99.9`: never p100 unless nothing took longer. */
export function percentile(share: number): string {
  if (share >= 1) return "longest";
  const hundred = share * 100;
  return `p${hundred >= 99 ? (Math.floor(hundred * 10) / 10).toFixed(1) : Math.floor(hundred)}`;
}

/** Exceptions, grouped by where they come from. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { ExceptionGroup, Exceptions } from "../api/schema.ts";
import { all, SERVICE } from "../service/spans.ts";
import { quoted } from "../traceql.ts";

export async function fetchExceptions(q: string, range: Range, signal: AbortSignal): Promise<Exceptions> {
  const bounds = { start: String(Math.floor(range.from / 1e3)), end: String(Math.ceil(range.to / 1e3)) };
  return getJson<Exceptions>("/api/ui/exceptions", { q, ...bounds }, signal);
}

export type ExceptionOrder = "count" | "last" | "first";

/** Milliseconds since 1970. */
export const millisOf = (unixNanos: string) => Number(BigInt(unixNanos) / 1_000_000n);

/** Groups that have all of the words, most frequent, latest or newest first. */
export function chosen(
  groups: readonly ExceptionGroup[],
  words: string,
  order: ExceptionOrder,
): ExceptionGroup[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = groups.filter(({ type, message, frame, service }) => {
    const text = `${type} ${message} ${frame ?? ""} ${service}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const key = ({ count, firstUnixNanos, lastUnixNanos }: ExceptionGroup) =>
    order === "count" ? count : millisOf(order === "last" ? lastUnixNanos : firstUnixNanos);
  return kept.sort((a, b) => key(b) - key(a) || b.count - a.count);
}

/** Sums of the groups' series, step by step. */
export function summed(groups: readonly ExceptionGroup[]): number[] {
  const steps = Math.max(0, ...groups.map(({ series }) => series.length));
  return Array.from({ length: steps }, (_, i) =>
    groups.reduce((sum, { series }) => sum + (series[i] ?? 0), 0),
  );
}

/** A share of the range after which a first occurrence counts as new. */
const NEW_AFTER = 0.1;

/** Whether it began within the range, not before it. */
export function isNew({ firstUnixNanos }: ExceptionGroup, { from, to }: Range): boolean {
  return millisOf(firstUnixNanos) > from + (to - from) * NEW_AFTER;
}

/** The filter for the spans of a group. */
export function filterOf({ type, service }: ExceptionGroup): string {
  const what = type ? `event.exception.type = ${quoted(type)}` : `event:name = "exception"`;
  return all(`${SERVICE} = ${quoted(service)}`, what);
}

/** Comparing two traces, and a selection of spans with the others: what the server answers. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { Comparison, TraceDiff, Typical } from "../api/schema.ts";

export function fetchDiff(a: string, b: string, signal: AbortSignal): Promise<TraceDiff> {
  const path = `/api/ui/traces/${encodeURIComponent(a)}/compare/${encodeURIComponent(b)}`;
  return getJson<TraceDiff>(path, {}, signal);
}

export function fetchTypical(id: string, signal: AbortSignal): Promise<Typical> {
  return getJson<Typical>(`/api/ui/traces/${encodeURIComponent(id)}/typical`, {}, signal);
}

export function fetchComparison(
  q: string,
  selection: string,
  range: Range,
  signal: AbortSignal,
): Promise<Comparison> {
  return getJson<Comparison>("/api/ui/compare", { q, selection, ...seconds(range) }, signal);
}

/** A range as the endpoints have it. */
export function seconds({ from, to }: Range): { start: string; end: string } {
  return { start: String(Math.floor(from / 1e3)), end: String(Math.ceil(to / 1e3)) };
}

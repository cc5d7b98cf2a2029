/** Comparing two traces, and a selection of spans with the others: what the server answers. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";

/** What one of two traces has at a place of the tree; durations in nanoseconds, summed over the calls. */
export interface Calls {
  readonly calls: number;
  readonly errors: number;
  readonly totalNanos: number;
  readonly selfNanos: number;
}

/** A place in the tree of both traces. */
export interface DiffNode {
  /** Position of the parent, which is before; -1 for none. */
  readonly parent: number;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  /** `added` is only in B, `removed` only in A. */
  readonly change: "added" | "removed" | "changed" | "same";
  readonly a: Calls | null;
  readonly b: Calls | null;
  /** Ids of its spans in hex, the first hundred. */
  readonly spansA: readonly string[];
  readonly spansB: readonly string[];
}

export interface TraceFacts {
  readonly traceId: string;
  readonly durationNanos: number;
  readonly spans: number;
  readonly errors: number;
}

export interface TraceDiff {
  readonly a: TraceFacts;
  readonly b: TraceFacts;
  readonly nodes: readonly DiffNode[];
}

export function fetchDiff(a: string, b: string, signal: AbortSignal): Promise<TraceDiff> {
  const path = `/api/ui/traces/${encodeURIComponent(a)}/compare/${encodeURIComponent(b)}`;
  return getJson<TraceDiff>(path, {}, signal);
}

/** Another trace of the same root whose duration is the usual one. */
export interface Typical {
  readonly traceId: string;
  readonly durationNanos: number;
  /** Among so many traces. */
  readonly among: number;
}

export function fetchTypical(id: string, signal: AbortSignal): Promise<Typical> {
  return getJson<Typical>(`/api/ui/traces/${encodeURIComponent(id)}/typical`, {}, signal);
}

/** How many spans on either side. */
export interface Pair {
  readonly selection: number;
  readonly baseline: number;
}

export interface ComparedValue extends Pair {
  /** As TraceQL has it. */
  readonly literal: string;
  readonly text: string;
  /** The condition of a query that holds for its spans. */
  readonly filter: string;
}

export interface ComparedAttribute {
  readonly name: string;
  /** Evidence that the sides differ (G squared). */
  readonly score: number;
  /** The highest ratio of shares. */
  readonly lift: number;
  /** Nearly as many values as spans. */
  readonly idLike: boolean;
  /** The selection was made by it. */
  readonly ofSelection: boolean;
  /** Attributes that divide the spans in the same way. */
  readonly sameAs: readonly string[];
  /** Those that tell most first. */
  readonly values: readonly ComparedValue[];
  readonly other: Pair;
  readonly absent: Pair;
}

export interface Comparison {
  readonly selection: { readonly spans: number };
  readonly baseline: { readonly spans: number };
  readonly complete: boolean;
  /** Attributes that are not told, and those of which not every value is. */
  readonly leftOut: number;
  readonly attributes: readonly ComparedAttribute[];
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

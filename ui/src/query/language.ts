/** What the server knows about a query that is being written: mistakes, conditions, and what can stand at a place. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { Chip, Completion, QueryCheck } from "../api/schema.ts";

/** A mistake, with positions as JavaScript counts. */
export interface Problem {
  readonly from: number;
  readonly to: number;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** What to write there instead. */
  readonly replace: string | null;
}

export interface Checked {
  /** The query that was looked at. */
  readonly query: string;
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  /** The conditions of a query that is one row of them. */
  readonly chips: readonly Chip[] | null;
}

const encoder = new TextEncoder();

/** How many bytes of UTF-8 the first `units` of a text are. */
export function bytesBefore(text: string, units: number): number {
  return encoder.encode(text.slice(0, units)).length;
}

/** How many units of a text its first `bytes` bytes of UTF-8 are. */
export function unitsBefore(text: string, bytes: number): number {
  return new TextDecoder().decode(encoder.encode(text).slice(0, bytes)).length;
}

/** Line and column of a position, both from 1. */
export function lineAndColumn(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: [...(before.at(-1) ?? "")].length + 1 };
}

export async function check(query: string, signal: AbortSignal): Promise<Checked> {
  const { valid, errors, chips } = await getJson<QueryCheck>("/api/ui/traceql/check", { q: query }, signal);
  const problems = errors.map(({ from, to, severity, message, replace }) => ({
    from: unitsBefore(query, from),
    to: unitsBefore(query, to),
    severity,
    message,
    replace,
  }));
  return { query, valid, problems, chips };
}

export async function complete(
  query: string,
  at: number,
  range: Range,
  signal: AbortSignal,
): Promise<Completion> {
  const answer = await getJson<Completion>(
    "/api/ui/traceql/complete",
    {
      q: query,
      at: String(bytesBefore(query, at)),
      start: String(Math.floor(range.from / 1e3)),
      end: String(Math.ceil(range.to / 1e3)),
    },
    signal,
  );
  return {
    from: unitsBefore(query, answer.from),
    to: unitsBefore(query, answer.to),
    items: answer.items,
  };
}

/** The query with a mistake replaced as suggested. */
export function mended(query: string, { from, to, replace }: Problem): string {
  return query.slice(0, from) + (replace ?? query.slice(from, to)) + query.slice(to);
}

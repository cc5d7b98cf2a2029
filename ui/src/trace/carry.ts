/** From one state of a trace to a later one: spans keep their ids, not their positions. */
import type { Skeleton } from "../api/trace.ts";
import type { Run } from "./rows.ts";

let last: { readonly from: Skeleton; readonly to: Skeleton; readonly at: Int32Array } | null = null;

/**
 * Where each span of `from` is in `to`, -1 where it is not; of several with one id, the first is the first. The entry
 * after the last is for the row above spans without a parent.
 */
export function carried(from: Skeleton, to: Skeleton): Int32Array {
  if (last?.from !== from || last.to !== to) last = { from, to, at: positions(from, to) };
  return last.at;
}

function positions(from: Skeleton, to: Skeleton): Int32Array {
  const first = new Map<bigint, number>();
  const nextOf = new Int32Array(to.n).fill(-1);
  for (let i = to.n - 1; i >= 0; i--) {
    const id = to.ids[i] ?? 0n;
    nextOf[i] = first.get(id) ?? -1;
    first.set(id, i);
  }
  const at = new Int32Array(from.n + 1);
  for (let i = 0; i < from.n; i++) {
    const id = from.ids[i] ?? 0n;
    const position = first.get(id) ?? -1;
    at[i] = position;
    if (position >= 0) first.set(id, nextOf[position] ?? -1);
  }
  at[from.n] = to.n;
  return at;
}

/** Which runs of equal calls were open. */
export interface Opened {
  /** Where the spans of then are now. */
  readonly at: Int32Array;
  readonly runs: ReadonlyMap<number, Run>;
  readonly unfolded: ReadonlySet<number>;
}

/** The runs with a span of one that was open; others fold, however many more calls come. */
export function unfoldedIn(runs: ReadonlyMap<number, Run>, before: Opened): Set<number> {
  const open = new Set<number>();
  for (const opened of before.unfolded) {
    const { first = 0, end = 0 } = before.runs.get(opened) ?? {};
    for (let i = first; i < end; i++) open.add(before.at[i] ?? -1);
  }
  const unfolded = new Set<number>();
  if (open.size === 0) return unfolded;
  for (const { first, end } of runs.values())
    for (let i = first; i < end && !unfolded.has(first); i++) if (open.has(i)) unfolded.add(first);
  return unfolded;
}

/** The rows of the waterfall: spans, folded runs of equal siblings, and what groups spans without a parent. */
import { parentMissing, type Skeleton } from "../api/trace.ts";
import type { Model } from "./model.ts";

/** So many equal childless siblings in a row are shown as one. */
export const FOLDED_MIN = 10;

/** Equal siblings without children: positions `first` to `end`, not included. */
export interface Run {
  readonly first: number;
  readonly end: number;
  /** Nanoseconds, summed. */
  readonly total: number;
}

export function runsOf(
  { n, parents, nameOf, serviceOf, durations }: Skeleton,
  subtreeEnds: Int32Array,
): Map<number, Run> {
  const runs = new Map<number, Run>();
  let first = 0;
  while (first < n) {
    let end = first;
    let total = 0;
    while (
      end < n &&
      subtreeEnds[end] === end + 1 &&
      parents[end] === parents[first] &&
      nameOf[end] === nameOf[first] &&
      serviceOf[end] === serviceOf[first] &&
      (parents[end] ?? -1) >= 0
    ) {
      total += durations[end] ?? 0;
      end++;
    }
    if (end - first >= FOLDED_MIN) runs.set(first, { first, end, total });
    first = Math.max(end, first + 1);
  }
  return runs;
}

/** How much of a tree is shown. */
export interface Shown {
  /** Spans whose children are not. */
  readonly collapsed: ReadonlySet<number>;
  /** Runs, by their first span, that are not folded. */
  readonly unfolded: ReadonlySet<number>;
  /** Only this span and what is below it. */
  readonly root: number | null;
  /** Only these spans, one byte per position, and those above them. */
  readonly only: Uint8Array | null;
}

/**
 * The rows from top to bottom: a position; `~first` for a folded run; the number of spans for the row above those
 * whose parent is missing.
 */
export function rowsOf(model: Model, shown: Shown): Int32Array {
  const { skeleton, subtreeEnds, orphans } = model;
  const { n, flags } = skeleton;
  const kept = shown.only && withAncestors(skeleton, shown.only);
  const rows = new Rows(model, shown, kept);
  if (shown.root !== null) {
    rows.add(shown.root, subtreeEnds[shown.root] ?? n);
    return rows.done();
  }
  // What is below a span without a parent is a range of its own.
  for (let top = 0; top < n; top = subtreeEnds[top] ?? n) {
    if (!parentMissing(flags[top] ?? 0)) rows.add(top, subtreeEnds[top] ?? n);
  }
  if (orphans.some((orphan) => !kept || kept[orphan])) {
    rows.push(n);
    if (!shown.collapsed.has(n)) for (const orphan of orphans) rows.add(orphan, subtreeEnds[orphan] ?? n);
  }
  return rows.done();
}

class Rows {
  private readonly rows: Int32Array;
  private count = 0;

  constructor(
    private readonly model: Model,
    private readonly shown: Shown,
    private readonly kept: Uint8Array | null,
  ) {
    this.rows = new Int32Array(model.skeleton.n + 1);
  }

  push(row: number): void {
    this.rows[this.count++] = row;
  }

  add(first: number, end: number): void {
    const { kept, shown } = this;
    const { subtreeEnds, runs } = this.model;
    let i = first;
    while (i < end) {
      if (kept && !kept[i]) {
        i = subtreeEnds[i] ?? i + 1;
        continue;
      }
      const run = kept ? undefined : runs.get(i);
      if (run && !shown.unfolded.has(i)) {
        this.push(~i);
        i = run.end;
        continue;
      }
      this.push(i);
      i = shown.collapsed.has(i) ? (subtreeEnds[i] ?? i + 1) : i + 1;
    }
  }

  done(): Int32Array {
    return this.rows.slice(0, this.count);
  }
}

function withAncestors({ n, parents }: Skeleton, only: Uint8Array): Uint8Array {
  const kept = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    if (!only[i]) continue;
    for (let at = i; at >= 0 && !kept[at]; at = parents[at] ?? -1) kept[at] = 1;
  }
  return kept;
}

/** The span that a row is about; the number of spans for the row above those without a parent. */
export const spanOfRow = (row: number): number => (row < 0 ? ~row : row);

/** Figures of groups of spans. */
import { isError, KINDS, kindOf } from "../api/trace.ts";
import type { Model } from "./model.ts";

export const GROUPINGS = ["operation", "service", "kind"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Line {
  readonly label: string;
  /** `null` where spans of several are together. */
  readonly service: number | null;
  readonly count: number;
  readonly errors: number;
  /** Nanoseconds, summed. */
  readonly total: number;
  readonly self: number;
  readonly critical: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
  /** The longest of them. */
  readonly longest: number;
}

/** Lines of all spans, or of those in `only`, which has a byte for each. */
export function linesOf(model: Model, by: Grouping, only: Uint8Array | null): Line[] {
  const { skeleton } = model;
  const groups = new Map<number, number[]>();
  for (let i = 0; i < skeleton.n; i++) {
    if (only && !only[i]) continue;
    const key = keyOf(model, by, i);
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  return [...groups.values()].map((positions) => {
    const first = positions[0] ?? 0;
    const service = by === "kind" ? null : (skeleton.serviceOf[first] ?? 0);
    return { ...figuresOf(model, positions), label: labelOf(model, by, first), service };
  });
}

function keyOf({ skeleton }: Model, by: Grouping, i: number): number {
  const service = skeleton.serviceOf[i] ?? 0;
  if (by === "service") return service;
  if (by === "kind") return (skeleton.flags[i] ?? 0) & 7;
  return service * skeleton.names.length + (skeleton.nameOf[i] ?? 0);
}

function labelOf({ skeleton }: Model, by: Grouping, i: number): string {
  const service = skeleton.services[skeleton.serviceOf[i] ?? 0] ?? "";
  if (by === "service") return service;
  if (by === "kind") return kindOf(skeleton.flags[i] ?? 0) ?? KINDS[0];
  return `${service} ${skeleton.names[skeleton.nameOf[i] ?? 0] ?? ""}`;
}

function figuresOf({ skeleton, self, criticalTime }: Model, positions: readonly number[]) {
  const took = Float64Array.from(positions, (i) => skeleton.durations[i] ?? 0).sort();
  const sum = (of: (i: number) => number) => positions.reduce((all, i) => all + of(i), 0);
  const at = (share: number) => took[Math.max(0, Math.ceil(share * took.length) - 1)] ?? 0;
  const max = took.at(-1) ?? 0;
  return {
    count: positions.length,
    errors: sum((i) => (isError(skeleton.flags[i] ?? 0) ? 1 : 0)),
    total: sum((i) => skeleton.durations[i] ?? 0),
    self: sum((i) => self[i] ?? 0),
    critical: sum((i) => criticalTime[i] ?? 0),
    median: at(0.5),
    p95: at(0.95),
    max,
    longest: positions.find((i) => skeleton.durations[i] === max) ?? 0,
  };
}

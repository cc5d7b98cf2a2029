/** A trace as a graph: spans of the same service, name and kind are one node, calls between them are edges. */
import { isError, KINDS, kindOf } from "../api/trace.ts";
import type { Model } from "./model.ts";

export interface Figures {
  spans: number;
  errors: number;
  /** Nanoseconds, summed over the spans. */
  total: number;
  self: number;
  critical: number;
}

/** A service's operation of one kind, wherever it is called. */
export interface Group extends Figures {
  readonly service: number;
  readonly name: number;
  readonly kind: number;
  /** Whether only the kind tells it from another one. */
  isNamedByKind: boolean;
}

/** All calls from one node to another, or to itself. */
export interface Call {
  readonly from: number;
  readonly to: number;
  count: number;
  /** Calls whose callee has failed. */
  errors: number;
  /** Calls that the critical path goes through. */
  critical: number;
}

export interface Graph {
  /** In the order of their first spans. */
  readonly groups: readonly Group[];
  readonly calls: readonly Call[];
  /** Index in `groups` of each span; -1 for spans that do not count. */
  readonly groupOf: Int32Array;
  /** Index in `calls` of each span's call; -1 where nothing calls it. */
  readonly callOf: Int32Array;
  /** Sum of all self times. */
  readonly self: number;
}

const INTERNAL = KINDS.indexOf("internal");

/** Whoever says nothing about the kind means an internal span: that is how OpenTelemetry has it. */
const kindIn = (flags: number) => flags & 7 || INTERNAL;

/** Of all spans, or of those in `only`, which has a byte for each. */
export function graphOf(model: Model, only: Uint8Array | null): Graph {
  const { n, parents, nameOf, serviceOf, flags, names } = model.skeleton;
  const through = onCriticalPath(model);
  const groups: Group[] = [];
  const calls: Call[] = [];
  const indexes = { groups: new Map<number, number>(), calls: new Map<number, number>() };
  const groupOf = new Int32Array(n).fill(-1);
  const callOf = new Int32Array(n).fill(-1);
  // What does not count leaves its place to what called it.
  const nearest = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const above = nearest[parents[i] ?? -1] ?? -1;
    nearest[i] = above;
    if (only && !only[i]) continue;
    const [service, name, kind] = [serviceOf[i] ?? 0, nameOf[i] ?? 0, kindIn(flags[i] ?? 0)];
    const at = indexOf(indexes.groups, (service * names.length + name) * 8 + kind, groups.length);
    const nothing = { spans: 0, errors: 0, total: 0, self: 0, critical: 0 };
    groups[at] ??= { service, name, kind, isNamedByKind: false, ...nothing };
    count(groups[at], model, i);
    nearest[i] = at;
    groupOf[i] = at;
    if (above < 0) continue;
    const to = indexOf(indexes.calls, above * n + at, calls.length);
    calls[to] ??= { from: above, to: at, count: 0, errors: 0, critical: 0 };
    calls[to].count++;
    calls[to].errors += isError(flags[i] ?? 0) ? 1 : 0;
    calls[to].critical += through[i] ?? 0;
    callOf[i] = to;
  }
  nameByKind(groups, names.length);
  return { groups, calls, groupOf, callOf, self: groups.reduce((all, { self }) => all + self, 0) };
}

/** The index of a key; a new key gets the next one. */
function indexOf(indexes: Map<number, number>, key: number, next: number): number {
  const known = indexes.get(key);
  if (known !== undefined) return known;
  indexes.set(key, next);
  return next;
}

function count(group: Figures, { skeleton, self, criticalTime }: Model, i: number): void {
  group.spans++;
  group.errors += isError(skeleton.flags[i] ?? 0) ? 1 : 0;
  group.total += skeleton.durations[i] ?? 0;
  group.self += self[i] ?? 0;
  group.critical += criticalTime[i] ?? 0;
}

/** Spans that have a part of the critical path or lead to one, a byte for each: without gaps from the first on. */
function onCriticalPath({ skeleton: { n, parents }, criticalTime }: Model): Uint8Array {
  const through = Uint8Array.from(criticalTime, (nanos) => (nanos > 0 ? 1 : 0));
  for (let i = n - 1; i >= 0; i--) {
    const parent = parents[i] ?? -1;
    if (through[i] && parent >= 0) through[parent] = 1;
  }
  return through;
}

function nameByKind(groups: readonly Group[], names: number): void {
  const seen = new Map<number, Group>();
  for (const group of groups) {
    const key = group.service * names + group.name;
    const other = seen.get(key);
    if (other) {
      other.isNamedByKind = true;
      group.isNamedByKind = true;
    }
    seen.set(key, group);
  }
}

/** What a group is called: its operation, with its kind where another one is called the same. */
export function operationName({ skeleton }: Model, { name, kind, isNamedByKind }: Group): string {
  const operation = skeleton.names[name] ?? "";
  return isNamedByKind ? `${operation} (${kindOf(kind)})` : operation;
}

/** How many spans of each group, and of each call, are in full color. */
export interface InFocus {
  readonly groups: Uint32Array;
  readonly calls: Uint32Array;
}

export function inFocusOf({ groups, calls, groupOf, callOf }: Graph, inFocus: Uint8Array): InFocus {
  const counts = { groups: new Uint32Array(groups.length), calls: new Uint32Array(calls.length) };
  for (let i = 0; i < groupOf.length; i++) {
    if (!inFocus[i]) continue;
    const [group, call] = [groupOf[i] ?? -1, callOf[i] ?? -1];
    if (group >= 0) counts.groups[group] = (counts.groups[group] ?? 0) + 1;
    if (call >= 0) counts.calls[call] = (counts.calls[call] ?? 0) + 1;
  }
  return counts;
}

/** The span to look at first: the longest that failed, without any the longest; of those in full color, if some are. */
export function worstOf({ skeleton }: Model, graph: Graph, of: number, inFocus: Uint8Array | null): number {
  const { durations, flags } = skeleton;
  let worst = -1;
  const rank = (i: number) => (inFocus?.[i] ? 2 : 0) + (isError(flags[i] ?? 0) ? 1 : 0);
  for (let i = 0; i < graph.groupOf.length; i++) {
    if (graph.groupOf[i] !== of) continue;
    const ahead = rank(i) - rank(worst);
    if (worst < 0 || ahead > 0 || (ahead === 0 && (durations[i] ?? 0) > (durations[worst] ?? 0))) worst = i;
  }
  return worst;
}

/** Two traces as one tree: which rows are shown, and how far apart its places are. */
import type { Calls, DiffNode, TraceDiff } from "../api/schema.ts";

export interface DiffRow {
  /** Position of the node. */
  readonly at: number;
  readonly depth: number;
  /** Whether something is below it. */
  readonly isParent: boolean;
  readonly isOpen: boolean;
  /** Shown only because of what is below it. */
  readonly isPath: boolean;
}

/** What became of a place: how often it is called and fails, or else how long it takes by itself. */
export type Change = DiffNode["change"] | "slower" | "faster";

/** What is said of a node besides its durations. */
export type Mark =
  | { readonly kind: "time"; readonly way: "slower" | "faster" }
  | { readonly kind: "only"; readonly side: "A" | "B" }
  | { readonly kind: "calls"; readonly a: number; readonly b: number; readonly isRepeat: boolean }
  | { readonly kind: "failed"; readonly side: "A" | "B"; readonly errors: number };

/** A side has become a repetition when it calls that many times as often as the other. */
const REPEAT_MIN = 10;

const NONE: Calls = { calls: 0, errors: 0, totalNanos: 0, selfNanos: 0 };

/** Nanoseconds that A took more than B. */
export function delta({ a, b }: DiffNode): number {
  return (a ?? NONE).totalNanos - (b ?? NONE).totalNanos;
}

/** Nanoseconds that A itself took more than B, without what it called. */
export function selfDelta({ a, b }: DiffNode): number {
  return (a ?? NONE).selfNanos - (b ?? NONE).selfNanos;
}

/** Durations always differ; these shares of the longer trace, and of the place's own time, are worth a look. */
const OF_TRACE_MIN = 0.005;
const OF_PLACE_MIN = 0.1;

/** Nanoseconds of the longer trace. */
export const longer = ({ a, b }: TraceDiff) => Math.max(a.durationNanos, b.durationNanos);

/** What became of a place of traces of which the longer one took `whole` nanoseconds. */
export function changeOf(node: DiffNode, whole: number): Change {
  if (node.change !== "same") return node.change;
  const [total, self] = [delta(node), selfDelta(node)];
  // Who only waits longer for others has not changed, nor who waits for them instead of working.
  if (Math.sign(total) !== Math.sign(self)) return "same";
  const least = Math.min(Math.abs(total), Math.abs(self));
  const own = Math.max(node.a?.totalNanos ?? 0, node.b?.totalNanos ?? 0);
  if (least === 0 || least < OF_TRACE_MIN * whole || least < OF_PLACE_MIN * own) return "same";
  return self > 0 ? "slower" : "faster";
}

export function marks(node: DiffNode, whole: number): Mark[] {
  const { a, b } = node;
  const found: Mark[] = [];
  const change = changeOf(node, whole);
  if (change === "slower" || change === "faster") found.push({ kind: "time", way: change });
  if (!b) found.push({ kind: "only", side: "A" });
  if (!a) found.push({ kind: "only", side: "B" });
  const [left, right] = [a ?? NONE, b ?? NONE];
  if (left.calls !== right.calls && a && b) {
    const [less, more] = [Math.min(left.calls, right.calls), Math.max(left.calls, right.calls)];
    found.push({ kind: "calls", a: left.calls, b: right.calls, isRepeat: more >= REPEAT_MIN * less });
  }
  if (left.errors > 0 && right.errors === 0) found.push({ kind: "failed", side: "A", errors: left.errors });
  if (right.errors > 0 && left.errors === 0) found.push({ kind: "failed", side: "B", errors: right.errors });
  return found;
}

export interface Shown {
  readonly changedOnly: boolean;
  readonly collapsed: ReadonlySet<number>;
}

/** Rows from top to bottom. */
export function rowsOf(diff: TraceDiff, { changedOnly, collapsed }: Shown): DiffRow[] {
  const { nodes } = diff;
  const kept = nodes.map((node) => !changedOnly || changeOf(node, longer(diff)) !== "same");
  const isParent = nodes.map(() => false);
  const needed = [...kept];
  // From the back: parents are before their children.
  for (let at = nodes.length - 1; at >= 0; at--) {
    const parent = nodes[at]?.parent ?? -1;
    if (parent < 0 || !needed[at]) continue;
    needed[parent] = true;
    isParent[parent] = true;
  }
  const below = childrenOf(nodes);
  const rows: DiffRow[] = [];
  const waiting = [...below.roots].reverse().map((at) => ({ at, depth: 0 }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { at, depth } = next;
    if (!needed[at]) continue;
    const isOpen = !collapsed.has(at);
    rows.push({ at, depth, isParent: isParent[at] ?? false, isOpen, isPath: !kept[at] });
    if (!isOpen) continue;
    const children = below.of[at] ?? [];
    for (let i = children.length - 1; i >= 0; i--) waiting.push({ at: children[i] ?? 0, depth: depth + 1 });
  }
  return rows;
}

function childrenOf(nodes: readonly DiffNode[]) {
  const of: number[][] = nodes.map(() => []);
  const roots: number[] = [];
  nodes.forEach(({ parent }, at) => {
    (parent < 0 ? roots : of[parent])?.push(at);
  });
  return { of, roots };
}

/** Positions of nodes with something below them. */
export function parentsOf({ nodes }: TraceDiff): Set<number> {
  return new Set(nodes.map(({ parent }) => parent).filter((parent) => parent >= 0));
}

/** The highest difference, for bars; never zero. */
export function scaleOf({ nodes }: TraceDiff): number {
  return nodes.reduce((most, node) => Math.max(most, Math.abs(delta(node))), 1);
}

/** How many nodes have changed in which way. */
export function changesOf(diff: TraceDiff): Record<Change, number> {
  const counts = { added: 0, removed: 0, changed: 0, slower: 0, faster: 0, same: 0 };
  for (const node of diff.nodes) counts[changeOf(node, longer(diff))]++;
  return counts;
}

/** The share by which A took more than B; `null` where B took no time. */
export function relative(a: number, b: number): number | null {
  return b > 0 ? (a - b) / b : null;
}

export type Sorting = "self" | "total" | "calls" | "name";

/** Nodes for the table, those that differ most first. */
export function sorted(diff: TraceDiff, by: Sorting, changedOnly: boolean): DiffNode[] {
  const calls = ({ a, b }: DiffNode) => Math.abs((a?.calls ?? 0) - (b?.calls ?? 0));
  const label = ({ service, name }: DiffNode) => `${service} ${name}`;
  const order: Record<Sorting, (x: DiffNode, y: DiffNode) => number> = {
    self: (x, y) => Math.abs(selfDelta(y)) - Math.abs(selfDelta(x)),
    total: (x, y) => Math.abs(delta(y)) - Math.abs(delta(x)),
    calls: (x, y) => calls(y) - calls(x),
    name: (x, y) => label(x).localeCompare(label(y)),
  };
  const shown = (node: DiffNode) => !changedOnly || changeOf(node, longer(diff)) !== "same";
  return diff.nodes.filter(shown).sort(order[by]);
}

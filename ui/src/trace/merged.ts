/** A trace with equal calls as one: a tree by service and operation, and the functions that are in it. */
import { isError } from "../api/trace.ts";
import { type Boxes, boxesOf } from "../flame/boxes.ts";
import type { Model } from "./model.ts";

/** All spans that are reached by the same calls. */
export interface Node {
  readonly parent: number;
  readonly depth: number;
  /** Index in `functions`. */
  readonly of: number;
  count: number;
  errors: number;
  /** Nanoseconds, summed over the spans. */
  total: number;
  self: number;
  /** Self time of it and of all below: how wide it is. */
  width: number;
  /** The longest of its spans. */
  longest: number;
}

/** A service's operation, wherever it is called. */
export interface Operation {
  readonly service: number;
  readonly name: number;
  count: number;
  errors: number;
  self: number;
  /** Without calls below another of the same. */
  total: number;
}

export interface Merged {
  readonly nodes: readonly Node[];
  readonly operations: readonly Operation[];
  readonly boxes: Boxes;
  /** Sum of all self times. */
  readonly width: number;
}

/** Of all spans, or of those in `only`, which has a byte for each. */
export function mergedOf(model: Model, only: Uint8Array | null): Merged {
  const { skeleton, self } = model;
  const { n, parents, nameOf, serviceOf, durations, flags, names } = skeleton;
  const nodes: Node[] = [];
  const operations: Operation[] = [];
  const operationOf = new Map<number, number>();
  const nodeOf = new Int32Array(n).fill(-1);
  const children = new Map<number, number>();
  for (let i = 0; i < n; i++) {
    // What does not count leaves its place to what it called.
    const above = nodeOf[parents[i] ?? -1] ?? -1;
    if (only && !only[i]) {
      nodeOf[i] = above;
      continue;
    }
    const key = (serviceOf[i] ?? 0) * names.length + (nameOf[i] ?? 0);
    let of = operationOf.get(key);
    if (of === undefined) {
      of = operations.length;
      operationOf.set(key, of);
      operations.push({
        service: serviceOf[i] ?? 0,
        name: nameOf[i] ?? 0,
        count: 0,
        errors: 0,
        self: 0,
        total: 0,
      });
    }
    const place = (above + 1) * (n + 1) + of;
    let at = children.get(place);
    if (at === undefined) {
      at = nodes.length;
      children.set(place, at);
      const depth = above < 0 ? 0 : (nodes[above]?.depth ?? 0) + 1;
      nodes.push({ parent: above, depth, of, count: 0, errors: 0, total: 0, self: 0, width: 0, longest: i });
    }
    nodeOf[i] = at;
    const node = nodes[at];
    if (!node) continue;
    node.count++;
    node.errors += isError(flags[i] ?? 0) ? 1 : 0;
    node.total += durations[i] ?? 0;
    node.self += self[i] ?? 0;
    if ((durations[i] ?? 0) > (durations[node.longest] ?? 0)) node.longest = i;
  }
  sum(nodes, operations);
  const width = nodes.reduce((all, node) => all + node.self, 0);
  return { nodes, operations, boxes: laidOut(nodes), width };
}

function sum(nodes: readonly Node[], operations: readonly Operation[]): void {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node) continue;
    node.width += node.self;
    const parent = nodes[node.parent];
    if (parent) parent.width += node.width;
    const operation = operations[node.of];
    if (!operation) continue;
    operation.count += node.count;
    operation.errors += node.errors;
    operation.self += node.self;
    if (!isBelowItself(nodes, node)) operation.total += node.total;
  }
}

function isBelowItself(nodes: readonly Node[], node: Node): boolean {
  for (let above = nodes[node.parent]; above; above = nodes[above.parent])
    if (above.of === node.of) return true;
  return false;
}

/** The widest first, from the left. */
function laidOut(nodes: readonly Node[]): Boxes {
  const from = new Float64Array(nodes.length);
  const to = new Float64Array(nodes.length);
  const below: number[][] = nodes.map(() => []);
  const tops: number[] = [];
  nodes.forEach((node, i) => {
    (below[node.parent] ?? tops).push(i);
  });
  const order: number[] = [];
  const widest = (a: number, b: number) => (nodes[b]?.width ?? 0) - (nodes[a]?.width ?? 0) || a - b;
  const put = (siblings: number[], start: number) => {
    let at = start;
    for (const i of siblings.sort(widest)) {
      from[i] = at;
      at += nodes[i]?.width ?? 0;
      to[i] = at;
      order.push(i);
    }
  };
  put(tops, 0);
  // `order` grows while it is walked: row by row, left to right.
  for (let k = 0; k < order.length; k++) {
    const i = order[k] ?? 0;
    put(below[i] ?? [], from[i] ?? 0);
  }
  const rows = Int32Array.from(nodes, ({ depth }) => depth);
  return boxesOf(rows, { from, to }, Int32Array.from(order));
}

/** A caller or a callee of an operation, with the time spent for it. */
export interface Side {
  readonly of: number;
  readonly count: number;
  readonly nanos: number;
}

/** Who calls an operation, and what it calls: calls, and the self time of these calls and all below. */
export function sandwich({ nodes }: Merged, of: number): { callers: Side[]; callees: Side[] } {
  const callers = new Map<number, Side>();
  const callees = new Map<number, Side>();
  const add = (to: Map<number, Side>, other: number, node: Node) => {
    const before = to.get(other) ?? { of: other, count: 0, nanos: 0 };
    to.set(other, { of: other, count: before.count + node.count, nanos: before.nanos + node.width });
  };
  for (const node of nodes) {
    const parent = nodes[node.parent];
    if (node.of === of && parent) add(callers, parent.of, node);
    if (parent?.of === of) add(callees, node.of, node);
  }
  const most = (sides: Map<number, Side>) => [...sides.values()].sort((a, b) => b.nanos - a.nanos);
  return { callers: most(callers), callees: most(callees) };
}

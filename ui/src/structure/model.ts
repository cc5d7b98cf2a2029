/** The roll-up as an icicle: where its boxes are and how strong their color is. */
import type { StructureNode } from "../api/schema.ts";
import { quoted } from "../traceql.ts";

export type Width = "time" | "count";
export type Shade = "errors" | "origins" | "p95";

export interface Box {
  /** Position of the node; the first one of those that are too small to be drawn. */
  readonly at: number;
  readonly depth: number;
  /** Shares of the whole width. */
  readonly left: number;
  readonly width: number;
  /** How many nodes it stands for, with what is below them; 1 for a node by itself. */
  readonly merged: number;
}

/** Narrower boxes cannot be told apart. */
const WIDTH_MIN = 0.003;

/** What a node and everything below it weigh; additive, so that boxes never overlap. */
export function weightsOf(nodes: readonly StructureNode[], by: Width): Float64Array {
  const weights = Float64Array.from(nodes, ({ selfNanos, spans }) => (by === "time" ? selfNanos : spans));
  for (let at = nodes.length - 1; at >= 0; at--) {
    const parent = nodes[at]?.parent ?? -1;
    if (parent >= 0) weights[parent] = (weights[parent] ?? 0) + (weights[at] ?? 0);
  }
  return weights;
}

export function childrenOf(nodes: readonly StructureNode[], weights: Float64Array): number[][] {
  const children: number[][] = nodes.map(() => []);
  nodes.forEach(({ parent }, at) => {
    children[parent]?.push(at);
  });
  // The heaviest first: what matters is in the same place in every picture.
  for (const list of children) list.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0));
  return children;
}

/** The boxes of a node and what is below it, or of all roots. */
export function boxesOf(nodes: readonly StructureNode[], by: Width, focus: number | null): Box[] {
  const weights = weightsOf(nodes, by);
  const children = childrenOf(nodes, weights);
  const roots = nodes.flatMap(({ parent }, at) => (parent < 0 ? [at] : []));
  roots.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0));
  const tops = focus === null ? roots : [focus];
  const whole = tops.reduce((sum, at) => sum + (weights[at] ?? 0), 0);
  const boxes: Box[] = [];
  if (!(whole > 0)) return boxes;
  const place = (list: readonly number[], depth: number, from: number) => {
    let left = from;
    for (const [i, at] of list.entries()) {
      const width = (weights[at] ?? 0) / whole;
      if (width < WIDTH_MIN) {
        // The rest is smaller still.
        const rest = list.slice(i);
        const together = rest.reduce((sum, other) => sum + (weights[other] ?? 0), 0) / whole;
        const merged = rest.reduce((sum, other) => sum + sizeOf(other, children), 0);
        if (together > 0) boxes.push({ at, depth, left, width: together, merged });
        return;
      }
      boxes.push({ at, depth, left, width, merged: 1 });
      place(children[at] ?? [], depth + 1, left);
      left += width;
    }
  };
  place(tops, 0, 0);
  return boxes;
}

function sizeOf(at: number, children: readonly number[][]): number {
  let size = 0;
  const waiting = [at];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    size++;
    waiting.push(...(children[next] ?? []));
  }
  return size;
}

/** How strong the color of a node is, 0 to 1. */
export function shadesOf(nodes: readonly StructureNode[], by: Shade): number[] {
  if (by !== "p95") {
    // The root keeps the rare ones in sight.
    return nodes.map(({ spans, errors, errorOrigins }) =>
      spans > 0 ? Math.sqrt((by === "errors" ? errors : errorOrigins) / spans) : 0,
    );
  }
  // Durations range over orders of magnitude.
  const logs = nodes.map(({ p95 }) => Math.log10(Math.max(1, p95)));
  const [least, most] = [Math.min(...logs), Math.max(...logs)];
  return logs.map((log) => (most > least ? (log - least) / (most - least) : 0));
}

/** A node's place in words that stay the same when the data changes. */
export function pathOf(nodes: readonly StructureNode[], at: number): string {
  const names: string[] = [];
  for (let i = at; i >= 0; i = nodes[i]?.parent ?? -1) {
    const node = nodes[i];
    if (node) names.push(`${node.service} ${node.name} ${node.kind}`);
  }
  return names.reverse().join(" > ");
}

/** The node of a path; `null` when this roll-up has none. */
export function findPath(nodes: readonly StructureNode[], path: string | null): number | null {
  if (!path) return null;
  const paths: string[] = [];
  for (const [at, { parent, service, name, kind }] of nodes.entries()) {
    const above = paths[parent];
    const own = `${service} ${name} ${kind}`;
    paths[at] = above === undefined ? own : `${above} > ${own}`;
    if (paths[at] === path) return at;
  }
  return null;
}

/** A query for the spans of a node: itself, below its parent. */
export function queryOf(nodes: readonly StructureNode[], at: number, condition?: string): string {
  const filter = (node: StructureNode, more?: string) => {
    const conditions = [`resource.service.name = ${quoted(node.service)}`, `name = ${quoted(node.name)}`];
    if (node.kind !== "unspecified") conditions.push(`kind = ${node.kind}`);
    if (more) conditions.push(more);
    return `{ ${conditions.join(" && ")} }`;
  };
  const node = nodes[at];
  if (!node) return "{}";
  const parent = nodes[node.parent];
  const own = filter(node, condition);
  return parent ? `${filter(parent)} > ${own}` : own;
}

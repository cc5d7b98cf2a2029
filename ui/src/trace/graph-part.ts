/** What of a trace's graph is drawn. */
import type { Call, Figures, Graph } from "./graph.ts";

/** A group of spans, or all groups that have no node of their own. */
export interface Node extends Figures {
  /** Index of the group; `null` for all others. */
  readonly of: number | null;
}

export interface Part {
  readonly nodes: readonly Node[];
  /** Calls between nodes; those among the others are left out. */
  readonly calls: readonly Call[];
  /** Node of each group. */
  readonly nodeOf: Int32Array;
  /** Index in `calls` of each call of the graph, -1 for those that are left out. */
  readonly callOf: Int32Array;
  /** Groups that have no node of their own. */
  readonly others: number;
}

/** All groups, or of more than `max` the first span's and those with the most self time; the others are one node. */
export function partOf({ groups, calls }: Graph, max: number): Part {
  const isWhole = groups.length <= max;
  const bySelf = groups.map((_, i) => i).sort((a, b) => (groups[b]?.self ?? 0) - (groups[a]?.self ?? 0));
  const kept = isWhole ? bySelf : [0, ...bySelf.filter((i) => i > 0).slice(0, max - 2)];
  kept.sort((a, b) => a - b);
  const nodeOf = new Int32Array(groups.length).fill(kept.length);
  kept.forEach((group, node) => {
    nodeOf[group] = node;
  });
  const nodes: Node[] = kept.map((of) => ({ ...(groups[of] ?? NOTHING), of }));
  if (!isWhole) nodes.push({ ...NOTHING, of: null });
  const others = nodes[kept.length];
  if (others) for (const [i, group] of groups.entries()) if (nodeOf[i] === kept.length) add(others, group);
  return { nodes, nodeOf, others: groups.length - kept.length, ...callsBetween(calls, nodeOf, kept.length) };
}

const NOTHING: Figures = { spans: 0, errors: 0, total: 0, self: 0, critical: 0 };

function add(sum: Figures, { spans, errors, total, self, critical }: Figures): void {
  sum.spans += spans;
  sum.errors += errors;
  sum.total += total;
  sum.self += self;
  sum.critical += critical;
}

function callsBetween(all: readonly Call[], nodeOf: Int32Array, others: number) {
  const calls: Call[] = [];
  const callOf = new Int32Array(all.length).fill(-1);
  const indexes = new Map<number, number>();
  all.forEach((call, i) => {
    const [from, to] = [nodeOf[call.from] ?? 0, nodeOf[call.to] ?? 0];
    if (from === others && to === others) return;
    const key = from * (others + 1) + to;
    const at = indexes.get(key) ?? calls.length;
    indexes.set(key, at);
    const sum = calls[at];
    if (sum) {
      sum.count += call.count;
      sum.errors += call.errors;
      sum.critical += call.critical;
    } else calls.push({ ...call, from, to });
    callOf[i] = at;
  });
  return { calls, callOf };
}

/** Where the nodes of a trace's graph stand, and which way keys lead between them. */
import { layout } from "../map/layout.ts";
import type { Call } from "./graph.ts";
import type { Part } from "./graph-part.ts";

/** Where a node stands. */
export interface Spot {
  /** Column, from the left. */
  readonly rank: number;
  /** Place within the column, from the top. */
  readonly order: number;
  /** Rows below the highest node; not whole. */
  y: number;
}

/** More columns than this, with hardly more nodes than columns, are read by nobody. */
const COLUMNS_MAX = 16;

/** Callers left of whom they call; by node. */
export function spotsOf({ nodes, calls }: Part): Spot[] {
  const isOthers = (node: number) => nodes[node]?.of === null;
  // The others are called by many and call many: they would bend everything into one long row.
  const arcs = calls.filter(({ from, to }) => from !== to && !isOthers(from));
  let spots = laidOut(nodes.length, arcs);
  const columns = Math.max(...spots.map(({ rank }) => rank)) + 1;
  if (columns > COLUMNS_MAX && columns * 2 > nodes.length)
    spots = laidOut(nodes.length, nearest(nodes.length, arcs));
  straighten(spots, calls);
  return spots;
}

function laidOut(count: number, calls: readonly Call[]): Spot[] {
  const key = (node: number) => String(node).padStart(4, "0");
  const arcs = calls.map(({ from, to }) => ({ client: key(from), server: key(to) }));
  const keys = Array.from({ length: count }, (_, node) => key(node));
  const spots = new Array<Spot>(count);
  for (const { name, rank, order } of layout(arcs, keys)) spots[Number(name)] = { rank, order, y: order };
  return spots;
}

/** The calls on shortest ways: where nearly everything calls everything, a longest way says nothing. */
function nearest(count: number, calls: readonly Call[]): Call[] {
  const called: number[][] = Array.from({ length: count }, () => []);
  for (const { from, to } of calls) called[from]?.push(to);
  const hasCaller = new Set(calls.map(({ to }) => to));
  const depths = new Int32Array(count).fill(-1);
  const nodes = Array.from({ length: count }, (_, node) => node);
  for (const start of [...nodes.filter((node) => !hasCaller.has(node)), ...nodes]) {
    if ((depths[start] ?? 0) >= 0) continue;
    depths[start] = 0;
    // It grows while it is walked.
    const found = [start];
    for (const node of found) {
      for (const to of called[node] ?? []) {
        if ((depths[to] ?? 0) >= 0) continue;
        depths[to] = (depths[node] ?? 0) + 1;
        found.push(to);
      }
    }
  }
  return calls.filter(({ from, to }) => depths[to] === (depths[from] ?? 0) + 1);
}

const SWEEPS = 10;

/** Moves the nodes of each column next to what they call and are called by, without changing their order. */
function straighten(spots: readonly Spot[], calls: readonly Call[]): void {
  const columns: number[][] = [];
  for (const [node, { rank }] of spots.entries()) {
    columns[rank] ??= [];
    columns[rank].push(node);
  }
  const order = (node: number) => spots[node]?.order ?? 0;
  for (const column of columns) column.sort((a, b) => order(a) - order(b));
  const linked = { left: linksOf(spots, calls, -1), right: linksOf(spots, calls, 1) };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isBack = sweep % 2 === 0;
    for (const column of isBack ? columns.toReversed() : columns) {
      const others = isBack ? linked.right : linked.left;
      const wanted: number[] = [];
      for (const node of column) {
        // What is linked to nothing stays below the node before it.
        const isAlone = linked.left[node]?.length === 0 && linked.right[node]?.length === 0;
        const follows = isAlone ? (wanted.at(-1) ?? -1) + 1 : undefined;
        wanted.push(follows ?? middle(spots, others[node] ?? []) ?? spots[node]?.y ?? 0);
      }
      apart(wanted).forEach((y, i) => {
        const spot = spots[column[i] ?? 0];
        if (spot) spot.y = y;
      });
    }
  }
  const top = Math.min(...spots.map(({ y }) => y));
  for (const spot of spots) spot.y -= top;
}

/** Nodes on one side that a node calls or is called by. */
function linksOf(spots: readonly Spot[], calls: readonly Call[], side: 1 | -1): number[][] {
  const links: number[][] = spots.map(() => []);
  const rank = (node: number) => spots[node]?.rank ?? 0;
  for (const { from, to } of calls) {
    for (const [node, other] of [
      [from, to],
      [to, from],
    ] as const)
      if ((rank(other) - rank(node)) * side > 0) links[node]?.push(other);
  }
  return links;
}

function middle(spots: readonly Spot[], nodes: readonly number[]): number | null {
  if (nodes.length === 0) return null;
  return nodes.reduce((sum, node) => sum + (spots[node]?.y ?? 0), 0) / nodes.length;
}

/** The places nearest to those that are wanted, in the same order and at least one apart. */
export function apart(wanted: readonly number[]): number[] {
  // Neighbors that come too close are one block around the mean of what its members want.
  const blocks: { sum: number; size: number }[] = [];
  const mean = ({ sum, size }: { sum: number; size: number }) => sum / size;
  wanted.forEach((y, i) => {
    let block = { sum: y - i, size: 1 };
    for (let last = blocks.at(-1); last && mean(last) > mean(block); last = blocks.at(-1)) {
      block = { sum: block.sum + last.sum, size: block.size + last.size };
      blocks.pop();
    }
    blocks.push(block);
  });
  return blocks.flatMap((block) => new Array<number>(block.size).fill(mean(block))).map((y, i) => y + i);
}

export type Step = "up" | "down" | "left" | "right";

/** Where an arrow key leads: along the calls to the sides, else to what stands there; `null` where nothing is. */
export function stepped({ calls }: Part, spots: readonly Spot[], at: number, step: Step): number | null {
  const here = spots[at];
  if (!here) return spots.length > 0 ? 0 : null;
  const isVertical = step === "up" || step === "down";
  const sign = step === "up" || step === "left" ? -1 : 1;
  const linked = new Set<number>();
  for (const { from, to } of calls) {
    const [source, target] = step === "left" ? [to, from] : [from, to];
    if (source === at) linked.add(target);
  }
  let best: number | null = null;
  let bestFar = Number.POSITIVE_INFINITY;
  for (const [i, spot] of spots.entries()) {
    const [along, across] = isVertical
      ? [spot.y - here.y, spot.rank - here.rank]
      : [spot.rank - here.rank, spot.y - here.y];
    if (along * sign <= 0 || (isVertical && across !== 0)) continue;
    const far = Math.abs(along) + Math.abs(across) / 1e3 + (isVertical || linked.has(i) ? 0 : 1e6);
    if (far < bestFar) [best, bestFar] = [i, far];
  }
  return best;
}

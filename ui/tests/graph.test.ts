import { expect, test } from "vitest";
import { decodeSkeleton, isError, KINDS, kindOf } from "../src/api/trace.ts";
import { type Graph, graphOf, inFocusOf, operationName, worstOf } from "../src/trace/graph.ts";
import { linesOf } from "../src/trace/graph-edges.tsx";
import { heat } from "../src/trace/graph-node.tsx";
import { partOf } from "../src/trace/graph-part.ts";
import { apart, spotsOf, stepped } from "../src/trace/graph-places.ts";
import { type Model, modelOf } from "../src/trace/model.ts";
import { type Made, skeletonBytes } from "./skeleton.ts";

const modelFor = (spans: readonly Made[]) => modelOf(decodeSkeleton(skeletonBytes(spans)));
const kindNamed = (name: (typeof KINDS)[number]) => KINDS.indexOf(name);
const [INTERNAL, SERVER, CLIENT] = [kindNamed("internal"), kindNamed("server"), kindNamed("client")];

const CALLS: readonly Made[] = [
  { name: "GET /", start: 0, duration: 100 },
  { name: "load", service: "cart", parent: 0, start: 10, duration: 20 },
  { name: "select", service: "db", parent: 1, start: 12, duration: 10, error: true },
  { name: "load", service: "cart", parent: 0, start: 40, duration: 30 },
  { name: "select", service: "db", parent: 3, start: 45, duration: 20 },
  { name: "select", service: "db", parent: 3, start: 66, duration: 2 },
];

const named = (model: Model, graph: Graph, of: number) => {
  const group = graph.groups[of];
  return group ? `${model.skeleton.services[group.service]} ${operationName(model, group)}` : "";
};

test("equal operations are one node, equal calls one edge", () => {
  const model = modelFor(CALLS);
  const graph = graphOf(model, null);
  expect(
    graph.groups.map(({ spans, errors, self, total }, of) => [
      named(model, graph, of),
      spans,
      errors,
      self,
      total,
    ]),
  ).toEqual([
    ["web GET /", 1, 0, 50, 100],
    ["cart load", 2, 0, 18, 50],
    ["db select", 3, 1, 32, 32],
  ]);
  expect(graph.calls).toEqual([
    { from: 0, to: 1, count: 2, errors: 0, critical: 0 },
    { from: 1, to: 2, count: 3, errors: 1, critical: 0 },
  ]);
  expect([graph.self, ...graph.callOf]).toEqual([100, -1, 0, 1, 0, 1, 1]);
  // The one that failed, not the longest; of those in full color, if there are some.
  expect([worstOf(model, graph, 2, null), worstOf(model, graph, 1, null)]).toEqual([2, 3]);
  expect(worstOf(model, graph, 2, Uint8Array.of(0, 0, 0, 0, 0, 1))).toBe(5);
  const inFocus = inFocusOf(graph, Uint8Array.of(1, 0, 0, 1, 1, 1));
  expect([[...inFocus.groups], [...inFocus.calls]]).toEqual([
    [1, 1, 2],
    [1, 2],
  ]);
});

test("what does not count leaves its place to its caller", () => {
  const model = modelFor(CALLS);
  const graph = graphOf(model, Uint8Array.of(1, 0, 1, 1, 1, 0));
  expect(
    graph.calls.map(({ from, to, count }) => [named(model, graph, from), named(model, graph, to), count]),
  ).toEqual([
    ["web GET /", "db select", 1],
    ["web GET /", "cart load", 1],
    ["cart load", "db select", 1],
  ]);
  expect([...graph.groupOf]).toEqual([0, -1, 1, 2, 1, -1]);
  expect(graphOf(model, new Uint8Array(6)).groups).toEqual([]);
});

test("kinds tell operations apart, and are named only where they do", () => {
  const call = { name: "Get", service: "cart", duration: 10 };
  const model = modelFor([
    { ...call, start: 0, kind: CLIENT },
    { ...call, parent: 0, start: 0, kind: SERVER },
    // No kind is an internal one.
    { ...call, name: "parse", parent: 1, start: 0, kind: 0 },
    { ...call, name: "parse", parent: 2, start: 0, kind: INTERNAL },
  ]);
  const graph = graphOf(model, null);
  expect(graph.groups.map((_, of) => named(model, graph, of))).toEqual([
    "cart Get (client)",
    "cart Get (server)",
    "cart parse",
  ]);
  expect(graph.calls.at(-1)).toMatchObject({ from: 2, to: 2, count: 1 });
});

test("the critical path has no gap, also where it only passes through", () => {
  const model = modelFor(CALLS);
  // A part of it is in a call whose caller waited all the time.
  const through = { ...model, criticalTime: Float64Array.of(50, 0, 0, 0, 20, 0) };
  expect(graphOf(through, null).calls.map(({ critical }) => critical)).toEqual([1, 1]);
  expect(graphOf(through, null).groups.map(({ critical }) => critical)).toEqual([50, 0, 20]);
});

/** The same by words, as slow as it likes. */
function oracle({ skeleton, self }: Model) {
  const nodes = new Map<string, [number, number, number]>();
  const edges = new Map<string, number>();
  const name = (i: number) =>
    [
      skeleton.services[skeleton.serviceOf[i] ?? 0],
      skeleton.names[skeleton.nameOf[i] ?? 0],
      kindOf(skeleton.flags[i] ?? 0).replace("unspecified", "internal"),
    ].join(" ");
  for (let i = 0; i < skeleton.n; i++) {
    const [spans, errors, nanos] = nodes.get(name(i)) ?? [0, 0, 0];
    nodes.set(name(i), [
      spans + 1,
      errors + (isError(skeleton.flags[i] ?? 0) ? 1 : 0),
      nanos + (self[i] ?? 0),
    ]);
    const parent = skeleton.parents[i] ?? -1;
    if (parent < 0) continue;
    const call = `${name(parent)} → ${name(i)}`;
    edges.set(call, (edges.get(call) ?? 0) + 1);
  }
  return { nodes, edges };
}

/** A trace by chance, depth first, the same every time. */
function made(n: number, kinds: number): Made[] {
  let seed = 7;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const spans: Made[] = [];
  const way: number[] = [];
  for (let i = 0; i < n; i++) {
    while (way.length > 1 && next(3) === 0) way.pop();
    const parent = way.at(-1);
    const service = next(12);
    spans.push({
      name: `operation ${next(6)}`,
      service: `service ${service}`,
      start: i,
      duration: 1 + next(50),
      error: next(40) === 0,
      kind: next(kinds),
      ...(parent === undefined ? {} : { parent }),
    });
    if (way.length < 30) way.push(i);
  }
  return spans;
}

test("nodes and edges are those of a plain computation, also of a hundred thousand spans", () => {
  for (const [n, kinds] of [
    [500, 6],
    [100_000, 3],
  ] as const) {
    const model = modelFor(made(n, kinds));
    const graph = graphOf(model, null);
    const wanted = oracle(model);
    const name = (of: number) => {
      const { service = 0, name = 0, kind = 0 } = graph.groups[of] ?? {};
      return `${model.skeleton.services[service]} ${model.skeleton.names[name]} ${kindOf(kind)}`;
    };
    expect(
      new Map(graph.groups.map(({ spans, errors, self }, of) => [name(of), [spans, errors, self]])),
    ).toEqual(wanted.nodes);
    expect(new Map(graph.calls.map(({ from, to, count }) => [`${name(from)} → ${name(to)}`, count]))).toEqual(
      wanted.edges,
    );
    // In part, nothing is lost but calls among the others.
    const part = partOf(graph, 50);
    expect(part.nodes).toHaveLength(50);
    expect(part.others).toBe(graph.groups.length - 49);
    expect(part.nodes.reduce((all, { spans }) => all + spans, 0)).toBe(n);
    const apart = graph.calls
      .filter((_, i) => part.callOf[i] === -1)
      .reduce((all, { count }) => all + count, 0);
    expect(part.calls.reduce((all, { count }) => all + count, apart)).toBe(n - 1);
    const least = Math.min(...part.nodes.slice(1, -1).map(({ self }) => self));
    graph.groups.forEach(({ self }, of) => {
      if (part.nodeOf[of] === 49) expect(self).toBeLessThanOrEqual(least);
    });
    expect(spotsOf(part).filter(Boolean)).toHaveLength(50);
    expect(linesOf(part).length).toBeLessThanOrEqual(500);
  }
});

const star = (calls: readonly (readonly [number, number])[], count: number) => ({
  nodes: Array.from({ length: count }, (_, of) => ({
    of,
    spans: 1,
    errors: 0,
    total: 1,
    self: 1,
    critical: 0,
  })),
  calls: calls.map(([from, to]) => ({ from, to, count: 1, errors: 0, critical: 0 })),
  nodeOf: Int32Array.from({ length: count }, (_, i) => i),
  callOf: Int32Array.from(calls, (_, i) => i),
  others: 0,
});

test("callers stand left of whom they call, in the middle of them, and keys follow the calls", () => {
  const part = star(
    [
      [0, 1],
      [0, 2],
      [0, 3],
      [2, 4],
      [4, 4],
    ],
    6,
  );
  const spots = spotsOf(part);
  expect(spots.map(({ rank }) => rank)).toEqual([0, 1, 1, 1, 2, 0]);
  expect(spots[0]?.y).toBeCloseTo(spots[2]?.y ?? 0);
  expect(spots[4]?.y).toBeCloseTo(spots[2]?.y ?? 0);
  const steps = (at: number) =>
    (["left", "right", "up", "down"] as const).map((step) => stepped(part, spots, at, step));
  expect(steps(0)).toEqual([null, 2, null, 5]);
  expect(steps(2)).toEqual([0, 4, 1, 3]);
  // Where nothing is called, to what stands there.
  expect(steps(3)).toEqual([0, 4, 2, null]);
  expect(steps(4)).toEqual([2, null, null, null]);
});

test("where everything calls everything, the graph is not one row", () => {
  const all = Array.from({ length: 40 * 40 }, (_, i) => [Math.floor(i / 40), i % 40] as const);
  expect(Math.max(...spotsOf(star(all, 40)).map(({ rank }) => rank))).toBe(1);
  // A chain is one.
  const chain = Array.from({ length: 39 }, (_, i) => [i, i + 1] as const);
  expect(Math.max(...spotsOf(star(chain, 40)).map(({ rank }) => rank))).toBe(39);
});

test("places keep their order and a distance", () => {
  expect(apart([0, 5, 9])).toEqual([0, 5, 9]);
  expect(apart([3, 3, 3])).toEqual([2, 3, 4]);
  expect(apart([4, 0, 10])).toEqual([1.5, 2.5, 10]);
  expect(apart([])).toEqual([]);
});

test("heat is none for nothing, and half of the accent at most", () => {
  expect([heat(0, 10), heat(2.5, 10), heat(10, 10), heat(0, 0)]).toEqual([0, 25, 50, 0]);
});

import { expect, test } from "vitest";
import type { Edge } from "../src/api/schema.ts";
import { alarm, drawn, type Node, nodeLabel, nodesOf, share } from "../src/map/edges.ts";
import { layout } from "../src/map/layout.ts";

const edge = (client: string, server: string, rest: Partial<Edge> = {}): Edge => ({
  client,
  server,
  system: "",
  connection: "direct",
  calls: 10,
  errors: 0,
  p50: null,
  p95: null,
  p99: null,
  ...rest,
});

const EDGES = [
  edge("user", "web", { connection: "user", calls: 5 }),
  edge("web", "cart", { errors: 2 }),
  edge("web", "shop"),
  edge("cart", "redis", { connection: "database" }),
  edge("shop", "cart"),
];

test("nodes are what calls and what is called", () => {
  expect(nodesOf(EDGES).map(({ name, kind, calls, errors }) => [name, kind, calls, errors])).toEqual([
    ["user", "user", 0, 0],
    ["web", "service", 5, 0],
    ["cart", "service", 20, 2],
    ["shop", "service", 10, 0],
    ["redis", "database", 10, 0],
  ]);
});

test("databases are called by their name and what they are", () => {
  const label = (name: string, system: string) =>
    nodeLabel(nodesOf([edge("web", name, { connection: "database", system })])[1] as Node);
  expect([
    label("orders", "postgresql"),
    label("0", "redis"),
    label("redis", "redis"),
    label("", "mysql"),
    label("", ""),
  ]).toEqual(["orders · postgresql", "0 · redis", "redis", "mysql", "unknown"]);
});

test("callers stand left of whom they call, every node once", () => {
  const places = layout(EDGES);
  const rank = new Map(places.map(({ name, rank }) => [name, rank]));
  expect(places).toHaveLength(5);
  for (const { client, server } of EDGES) expect(rank.get(client)).toBeLessThan(rank.get(server) ?? 0);
});

test("cycles, calls of oneself and long chains are laid out too", () => {
  const ring = [edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("a", "a")];
  expect(
    layout(ring)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(["a", "b", "c"]);
  const chain = Array.from({ length: 500 }, (_, i) => edge(`s${i}`, `s${i + 1}`));
  expect(Math.max(...layout(chain).map(({ rank }) => rank))).toBe(500);
});

test("a large map is drawn in part: what has the most calls, or what is near", () => {
  const star = Array.from({ length: 200 }, (_, i) => edge("hub", `s${i}`, { calls: i }));
  const most = drawn(star, null, 50);
  expect(most.nodes).toHaveLength(50);
  expect(most.hidden).toBe(201 - 50);
  // The hub is drawn, and says how many of those that it calls are not.
  expect(most.more.get("hub")).toBe(151);
  const near = drawn(
    [...star, edge("s7", "far"), edge("far", "farther"), edge("farther", "away")],
    "s7",
    150,
  );
  expect(near.nodes.map(({ name }) => name).sort()).toEqual(["far", "farther", "hub", "s7"]);
  expect(near.hidden).toBe(204 - 4);
  expect([...near.more].sort()).toEqual([
    ["farther", 1],
    ["hub", 199],
  ]);
  expect(drawn(star, "s7", 150, 1).edges).toHaveLength(1);
  expect(drawn(star, "hub", 50).nodes).toHaveLength(50);
});

test("errors show the more, the more there are", () => {
  expect([0, 0.001, 0.025, 0.1, 0.9].map(alarm)).toEqual([0, 10, 50, 100, 100]);
  expect(share({ calls: 0, errors: 0 })).toBe(0);
});

import { expect, test } from "vitest";
import { drawn, type Edge, nodesOf } from "../src/map/edges.ts";
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
  expect(nodesOf(most.edges).length).toBeLessThanOrEqual(50);
  const near = drawn([...star, edge("s7", "far"), edge("far", "farther")], "s7", 5);
  expect(near.edges.some(({ server }) => server === "far")).toBe(true);
  expect(near.hidden).toBe(203 - 5);
});

import { expect, test } from "vitest";
import type { StructureNode } from "../src/api/schema.ts";
import { neighborOf } from "../src/structure/icicle.tsx";
import { boxesOf, findPath, pathOf, queryOf, shadesOf, weightsOf } from "../src/structure/model.ts";

const node = (parent: number, name: string, rest: Partial<StructureNode>): StructureNode => ({
  parent,
  service: "web",
  name,
  kind: "server",
  spans: 1,
  traces: 1,
  errors: 0,
  errorOrigins: 0,
  totalNanos: 0,
  selfNanos: 0,
  p50: 1,
  p95: 1,
  examples: [],
  ...rest,
});

/** a(10) > (b(20) > c(30), d(40)), e(100) */
const NODES = [
  node(-1, "a", { selfNanos: 10, spans: 4, errors: 4, p95: 1e3 }),
  node(0, "b", { selfNanos: 20, spans: 4, p95: 1e6 }),
  node(1, "c", { selfNanos: 30, spans: 16, errors: 4, errorOrigins: 1, p95: 1e9 }),
  node(0, "d", { selfNanos: 40 }),
  node(-1, "e", { selfNanos: 100, service: "job", kind: "unspecified" }),
];

const named = (boxes: ReturnType<typeof boxesOf>) =>
  boxes.map(({ at, depth, left, width, merged }) => [NODES[at]?.name, depth, left, width, merged]);

test("a place weighs what it and all below it weigh", () => {
  expect([...weightsOf(NODES, "time")]).toEqual([100, 50, 30, 40, 100]);
  expect([...weightsOf(NODES, "count")]).toEqual([25, 20, 16, 1, 1]);
});

test("boxes lie below what calls them, the heaviest first", () => {
  expect(named(boxesOf(NODES, "time", null))).toEqual([
    ["a", 0, 0, 0.5, 1],
    ["b", 1, 0, 0.25, 1],
    ["c", 2, 0, 0.15, 1],
    ["d", 1, 0.25, 0.2, 1],
    ["e", 0, 0.5, 0.5, 1],
  ]);
  expect(named(boxesOf(NODES, "time", 1))).toEqual([
    ["b", 0, 0, 1, 1],
    ["c", 1, 0, 0.6, 1],
  ]);
  expect(boxesOf([], "time", null)).toEqual([]);
});

test("what is too small to see is one box that says how much it is", () => {
  const many = [
    node(-1, "root", { selfNanos: 1e6 }),
    node(0, "x", { selfNanos: 20 }),
    node(1, "y", { selfNanos: 20 }),
    node(0, "z", { selfNanos: 10 }),
  ];
  const [, merged, ...more] = boxesOf(many, "time", null);
  expect(merged).toMatchObject({ at: 1, depth: 1, merged: 3 });
  expect(merged?.width).toBeCloseTo(50 / 1000050);
  expect(more).toEqual([]);
});

test("colors follow the share of errors, of their origins, or p95", () => {
  expect(shadesOf(NODES, "errors")).toEqual([1, 0, 0.5, 0, 0]);
  expect(shadesOf(NODES, "origins")).toEqual([0, 0, 0.25, 0, 0]);
  expect(shadesOf(NODES.slice(0, 3), "p95")).toEqual([0, 0.5, 1]);
});

test("a path in an address finds its place again", () => {
  expect(pathOf(NODES, 2)).toBe("web a server > web b server > web c server");
  expect(NODES.map((_, at) => findPath(NODES, pathOf(NODES, at)))).toEqual([0, 1, 2, 3, 4]);
  expect(findPath(NODES, "web b server")).toBeNull();
  expect(findPath(NODES, null)).toBeNull();
});

test("a place is searched for below its parent", () => {
  expect(queryOf(NODES, 1, "status = error")).toBe(
    '{ resource.service.name = "web" && name = "a" && kind = server } > { resource.service.name = "web" && name = "b" && kind = server && status = error }',
  );
  expect(queryOf(NODES, 4)).toBe('{ resource.service.name = "job" && name = "e" }');
});

test("arrows go down, up and to both sides", () => {
  const boxes = boxesOf(NODES, "time", null);
  const from = (at: number, key: string) =>
    neighborOf(
      boxes,
      boxes.findIndex((box) => box.at === at),
      key,
    );
  expect(from(0, "ArrowDown")).toBe(1);
  expect(from(2, "ArrowUp")).toBe(1);
  expect(from(3, "ArrowUp")).toBe(0);
  expect(from(1, "ArrowRight")).toBe(3);
  expect(from(4, "ArrowLeft")).toBe(0);
  expect(from(2, "ArrowDown")).toBeNull();
  expect(from(0, "Home")).toBeNull();
});

import { expect, test } from "vitest";
import { decodeSkeleton, isError, kindOf, spanIdAt } from "../src/api/trace.ts";
import { modelOf, ticks } from "../src/trace/model.ts";
import { FOLDED_MIN, rowsOf } from "../src/trace/rows.ts";
import { type Made, skeletonBytes } from "./skeleton.ts";

const model = (spans: readonly Made[]) => modelOf(decodeSkeleton(skeletonBytes(spans)));
const everything = { collapsed: new Set<number>(), unfolded: new Set<number>(), root: null, only: null };

const TREE: readonly Made[] = [
  { name: "GET /", start: 0, duration: 100 },
  { name: "query", service: "db", parent: 0, start: 10, duration: 40, error: true },
  { name: "connect", service: "db", parent: 1, start: 10, duration: 10, error: true },
  { name: "render", parent: 0, start: 40, duration: 80 },
  { name: "lost", service: "mail", start: 150, duration: 5, orphan: true },
];

test("a skeleton is read as it was written", () => {
  const skeleton = decodeSkeleton(skeletonBytes(TREE));
  expect(skeleton.n).toBe(5);
  expect(skeleton.startUnixNanos).toBe(1700000000000000001n);
  expect(spanIdAt(skeleton, 1)).toBe("0000000000000002");
  expect(kindOf(skeleton.flags[0] ?? 0)).toBe("server");
  expect([...skeleton.flags].map(isError)).toEqual([false, true, true, false, false]);
  expect(() => decodeSkeleton(new TextEncoder().encode("{}      ").buffer)).toThrow("same version");
});

test("the tree, self times and errors follow from the columns", () => {
  const { depths, subtreeEnds, self, duration, errors, origins, errorsBefore, orphans, shares, skeleton } =
    model(TREE);
  expect([...depths]).toEqual([0, 1, 2, 1, 0]);
  expect([...subtreeEnds]).toEqual([4, 3, 3, 4, 5]);
  // The children of the first overlap from 40 to 50 and reach from 10 to its end.
  expect([...self]).toEqual([10, 30, 10, 80, 5]);
  expect(duration).toBe(155);
  expect([errors, [...origins], [...errorsBefore]]).toEqual([[2, 1], [2], [0, 0, 1, 2, 2, 2]]);
  expect(orphans).toEqual([4]);
  expect(shares.map(({ service, self }) => [skeleton.services[service], self])).toEqual([
    ["web", 90],
    ["db", 40],
    ["mail", 5],
  ]);
});

test("errors are in the order of their depth, then of their time", () => {
  const failed = (parent: number, start: number): Made => ({
    name: "call",
    parent,
    start,
    duration: 5,
    error: true,
  });
  const { errors, origins } = model([
    { name: "all", start: 0, duration: 100 },
    failed(0, 10),
    failed(1, 12),
    failed(0, 20),
    { name: "fine", parent: 0, start: 30, duration: 20 },
    failed(4, 30),
    failed(4, 40),
  ]);
  // Also those that one below them explains come where their depth is.
  expect(errors).toEqual([2, 5, 6, 1, 3]);
  expect([...origins].sort()).toEqual([2, 3, 5, 6]);
});

test("the critical path is by span and by service", () => {
  const { critical, criticalShares } = model(TREE);
  expect([...critical]).toEqual([[0, [{ from: 50, to: 100 }]]]);
  expect(criticalShares).toEqual([{ service: 0, nanos: 50 }]);
});

test("rows leave out what is collapsed, outside of the chosen span, or not looked for", () => {
  const of = model(TREE);
  // The last one's parent is missing: above it is a row that says so.
  expect([...rowsOf(of, everything)]).toEqual([0, 1, 2, 3, 5, 4]);
  expect([...rowsOf(of, { ...everything, collapsed: new Set([1, 5]) })]).toEqual([0, 1, 3, 5]);
  expect([...rowsOf(of, { ...everything, root: 1 })]).toEqual([1, 2]);
  expect([...rowsOf(of, { ...everything, only: Uint8Array.of(0, 0, 1, 0, 0) })]).toEqual([0, 1, 2]);
});

test("many equal siblings are one row until it is opened", () => {
  const calls = Array.from({ length: FOLDED_MIN }, (_, i) => ({
    name: "SELECT",
    service: "db",
    parent: 0,
    start: i * 10,
    duration: 2,
  }));
  const of = model([
    { name: "list", start: 0, duration: 200 },
    ...calls,
    { name: "render", parent: 0, start: 150, duration: 9 },
  ]);
  expect(of.runs.get(1)).toEqual({ first: 1, end: 1 + FOLDED_MIN, total: 2 * FOLDED_MIN });
  expect([...rowsOf(of, everything)]).toEqual([0, ~1, 1 + FOLDED_MIN]);
  expect(rowsOf(of, { ...everything, unfolded: new Set([1]) })).toHaveLength(FOLDED_MIN + 2);
});

test("a hundred thousand spans are arranged in well under a second", () => {
  const spans = Array.from({ length: 100_000 }, (_, i) => ({
    name: `n${i % 7}`,
    parent: i === 0 ? -1 : Math.floor((i - 1) / 40) * 40,
    start: i,
    duration: 1000,
  }));
  // Depth first: every parent comes before its children, which is all that the model needs.
  const of = model(spans.map((span, i) => (span.parent >= i ? { ...span, parent: i - 1 } : span)));
  expect(rowsOf(of, everything).length).toBeGreaterThan(0);
  expect(of.depthMax).toBeGreaterThan(100);
});

test("ticks are round", () => {
  expect(ticks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
  expect(ticks(13, 99, 4)).toEqual([50]);
  expect(ticks(5, 5, 4)).toEqual([5]);
});

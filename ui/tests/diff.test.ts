import { expect, test } from "vitest";
import type { DiffNode, TraceDiff } from "../src/api/schema.ts";
import { decodeSkeleton } from "../src/api/trace.ts";
import { Bars } from "../src/compare/bars.ts";
import {
  changeOf,
  changesOf,
  delta,
  marks,
  parentsOf,
  relative,
  rowsOf,
  scaleOf,
  sorted,
} from "../src/compare/diff-model.ts";
import { skeletonBytes } from "./skeleton.ts";

const calls = (calls: number, totalNanos: number, { errors = 0, selfNanos = totalNanos } = {}) => ({
  calls,
  errors,
  totalNanos,
  selfNanos,
});

const node = (parent: number, name: string, rest: Partial<DiffNode>): DiffNode => ({
  parent,
  service: "web",
  name,
  kind: "server",
  change: "same",
  a: calls(1, 100),
  b: calls(1, 100),
  spansA: [],
  spansB: [],
  ...rest,
});

const facts = { traceId: "a", durationNanos: 100, spans: 1, errors: 0 };

/** root > (cart > select, pay, mail > (send)) */
const DIFF: TraceDiff = {
  a: facts,
  b: facts,
  nodes: [
    node(-1, "root", {}),
    node(0, "cart", {}),
    node(1, "select", { change: "changed", a: calls(143, 1200), b: calls(2, 20) }),
    node(0, "pay", { change: "removed", a: calls(1, 40, { errors: 1 }), b: null }),
    node(0, "mail", {}),
    node(4, "send", {}),
    node(0, "fraud", { change: "added", a: null, b: calls(1, 3000) }),
  ],
};

const shown = (changedOnly: boolean, ...collapsed: number[]) =>
  rowsOf(DIFF, { changedOnly, collapsed: new Set(collapsed) }).map(
    ({ at, depth, isPath }) => `${depth} ${DIFF.nodes[at]?.name}${isPath ? " *" : ""}`,
  );

test("the tree has every place below its parent", () => {
  expect(shown(false)).toEqual(["0 root", "1 cart", "2 select", "1 pay", "1 mail", "2 send", "1 fraud"]);
});

test("what has changed is shown with what leads to it", () => {
  expect(shown(true)).toEqual(["0 root *", "1 cart *", "2 select", "1 pay", "1 fraud"]);
});

test("what is collapsed has nothing below it", () => {
  expect(shown(false, 1, 4)).toEqual(["0 root", "1 cart", "1 pay", "1 mail", "1 fraud"]);
  expect([...parentsOf(DIFF)]).toEqual([0, 1, 4]);
});

test("differences are A without B, and the widest is the scale", () => {
  expect(DIFF.nodes.map(delta)).toEqual([0, 0, 1180, 40, 0, 0, -3000]);
  expect(scaleOf(DIFF)).toBe(3000);
  expect(relative(1920, 310)).toBeCloseTo(5.19);
  expect(relative(5, 0)).toBeNull();
  expect(changesOf(DIFF)).toEqual({ added: 1, removed: 1, changed: 1, slower: 0, faster: 0, same: 4 });
});

test.each<[string, [number, number], [number, number], string]>([
  ["what took longer itself is slower", [200, 200], [100, 100], "slower"],
  ["what took less itself is faster", [100, 100], [200, 200], "faster"],
  ["who only waited longer is the same", [200, 50], [100, 50], "same"],
  ["who waited instead of working is the same", [300, 100], [300, 200], "same"],
  ["little of the trace is no change", [104, 104], [100, 100], "same"],
  ["little of the place is no change", [1040, 1040], [1000, 1000], "same"],
])("%s", (_, [totalA, selfA], [totalB, selfB], change) => {
  const changed = node(-1, "x", {
    a: calls(1, totalA, { selfNanos: selfA }),
    b: calls(1, totalB, { selfNanos: selfB }),
  });
  expect(changeOf(changed, 1000)).toBe(change);
  const time = change === "same" ? [] : [{ kind: "time", way: change }];
  expect(marks(changed, 1000)).toEqual(time);
});

test("marks say where something is, how often, and where it fails", () => {
  expect(DIFF.nodes.map((node) => marks(node, 1000))).toEqual([
    [],
    [],
    [{ kind: "calls", a: 143, b: 2, isRepeat: true }],
    [
      { kind: "only", side: "A" },
      { kind: "failed", side: "A", errors: 1 },
    ],
    [],
    [],
    [{ kind: "only", side: "B" }],
  ]);
  const twice = node(-1, "x", { a: calls(2, 1), b: calls(1, 1) });
  expect(marks(twice, 1000)).toEqual([{ kind: "calls", a: 2, b: 1, isRepeat: false }]);
});

test("the table begins with what differs most", () => {
  const names = (by: "total" | "calls" | "name") => sorted(DIFF, by, true).map(({ name }) => name);
  expect(names("total")).toEqual(["fraud", "select", "pay"]);
  expect(names("calls")).toEqual(["select", "pay", "fraud"]);
  expect(names("name")).toEqual(["fraud", "pay", "select"]);
});

test("bars lie where spans ran, on a scale that is not the trace's own", () => {
  const skeleton = decodeSkeleton(
    skeletonBytes([
      { name: "root", start: 0, duration: 100 },
      { name: "child", parent: 0, start: 50, duration: 25 },
    ]),
  );
  expect(new Bars(skeleton, 200).of(["0000000000000002", "00000000000000ff"])).toEqual([
    { left: 0.25, width: 0.125 },
  ]);
});

import { expect, test } from "vitest";
import { bytesOf, decodeSkeleton, positionOf, type Skeleton } from "../src/api/trace.ts";
import { attributesWith } from "../src/trace/attributes.tsx";
import { asOtlp } from "../src/trace/download.ts";
import { exceptionOf } from "../src/trace/events.ts";
import { byName, isComplete, matchesOf } from "../src/trace/finder.ts";
import { mergedOf, sandwich } from "../src/trace/merged.ts";
import { modelOf } from "../src/trace/model.ts";
import { problemText } from "../src/trace/notices.tsx";
import { percentile, withoutGaps } from "../src/trace/percentiles.ts";
import { offsetOf, rowsInSight, SCROLL_HEIGHT_MAX, scrollTopOf } from "../src/trace/sight.ts";
import { nextOrder } from "../src/trace/sorted.tsx";
import { linesOf } from "../src/trace/statistics.ts";
import { Zooming } from "../src/trace/zooming.ts";
import { type Made, skeletonBytes } from "./skeleton.ts";

const skeletonOf = (spans: readonly Made[]) => decodeSkeleton(skeletonBytes(spans));

const CALLS: readonly Made[] = [
  { name: "GET /", start: 0, duration: 100 },
  { name: "load", service: "cart", parent: 0, start: 10, duration: 20 },
  { name: "select", service: "db", parent: 1, start: 12, duration: 10, error: true },
  { name: "load", service: "cart", parent: 0, start: 40, duration: 30 },
  { name: "select", service: "db", parent: 3, start: 45, duration: 20 },
];

test("a skeleton of an older server lacks facts, and says how many parents are missing all the same", () => {
  const skeleton = skeletonOf([{ name: "a", start: 0, duration: 1, orphan: true }]);
  expect([skeleton.missingParents, skeleton.health, skeleton.errorOrigins, skeleton.skew]).toEqual([
    1,
    [],
    null,
    [],
  ]);
});

test("spans are found by id, and bits are read from the lowest", () => {
  const skeleton = skeletonOf(CALLS);
  expect(positionOf(skeleton, "0000000000000003")).toBe(2);
  expect(positionOf(skeleton, "00000000000000ff")).toBeNull();
  expect(positionOf(skeleton, "3")).toBeNull();
  expect([...bytesOf(btoa(String.fromCharCode(0b101, 1)), 9)]).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 1]);
});

test("wrong clocks are put right, or not", () => {
  // The callee's clock is 30 behind: it seems to begin before its caller.
  const skeleton: Skeleton = {
    ...skeletonOf([
      { name: "call", start: 20, duration: 50 },
      { name: "serve", parent: 0, start: 0, duration: 40 },
    ]),
    skew: [[1, 30]],
  };
  const adjusted = modelOf(skeleton);
  // Times count from what is the first then.
  expect([...adjusted.starts]).toEqual([0, 10]);
  expect(adjusted.origin).toBe(20);
  expect([...adjusted.self]).toEqual([10, 40]);
  expect(adjusted.duration).toBe(50);
  // The path of the server is by the times that are shown.
  expect([...adjusted.critical]).toEqual([[1, [{ from: 25 - 20, to: 50 - 20 }]]]);
  const raw = modelOf(skeleton, { adjusted: false });
  expect([...raw.starts]).toEqual([20, 0]);
  expect([raw.origin, raw.duration]).toEqual([0, 70]);
  expect([...raw.critical]).toEqual([[0, [{ from: 25, to: 50 }]]]);
  // Only what lies inside of the caller counts as the callee's.
  expect([...raw.self]).toEqual([30, 40]);
});

test("what was moved counts where it is among its siblings", () => {
  const skeleton: Skeleton = {
    ...skeletonOf([
      { name: "all", start: 0, duration: 100 },
      { name: "first", parent: 0, start: 10, duration: 30 },
      { name: "moved", parent: 0, start: 50, duration: 30 },
    ]),
    skew: [[2, -45]],
  };
  // Together they take from 5 to 40.
  expect(modelOf(skeleton).self[0]).toBe(65);
});

test("the server's origins of errors count before our own", () => {
  const skeleton = { ...skeletonOf(CALLS), errorOrigins: [0] };
  expect([...modelOf(skeleton).origins]).toEqual([0]);
  expect([...modelOf(skeletonOf(CALLS)).origins]).toEqual([2]);
});

test("equal calls are one, widest first", () => {
  const merged = mergedOf(modelOf(skeletonOf(CALLS)), null);
  expect(
    merged.nodes.map(({ parent, count, total, self, width, errors }) => [
      parent,
      count,
      total,
      self,
      width,
      errors,
    ]),
  ).toEqual([
    [-1, 1, 100, 50, 100, 0],
    [0, 2, 50, 20, 50, 0],
    [1, 2, 30, 30, 30, 1],
  ]);
  expect([...merged.boxes.to]).toEqual([100, 50, 30]);
  expect(sandwich(merged, 1)).toEqual({
    callers: [{ of: 0, count: 2, nanos: 50 }],
    callees: [{ of: 2, count: 2, nanos: 30 }],
  });
  expect(
    mergedOf(modelOf(skeletonOf(CALLS)), Uint8Array.of(0, 0, 0, 1, 1)).nodes.map(({ count }) => count),
  ).toEqual([1, 1]);
});

test("recursion counts once", () => {
  const spans = [0, 1, 2].map((i) => ({ name: "walk", parent: i - 1, start: i, duration: 10 - 2 * i }));
  const { operations } = mergedOf(modelOf(skeletonOf(spans)), null);
  expect(operations.map(({ count, total, self }) => [count, total, self])).toEqual([[3, 10, 10]]);
});

test("statistics group by operation, service and kind", () => {
  const model = modelOf(skeletonOf(CALLS));
  expect(
    linesOf(model, "service", null).map(({ label, count, errors, total, self, median, p95, longest }) => [
      label,
      count,
      errors,
      total,
      self,
      median,
      p95,
      longest,
    ]),
  ).toEqual([
    ["web", 1, 0, 100, 50, 100, 100, 0],
    ["cart", 2, 0, 50, 20, 20, 30, 3],
    ["db", 2, 1, 30, 30, 10, 20, 4],
  ]);
  expect(linesOf(model, "kind", null).map(({ label, count }) => [label, count])).toEqual([["server", 5]]);
  expect(linesOf(model, "operation", Uint8Array.of(0, 1, 0, 0, 0))).toHaveLength(1);
});

test("words are found by name; what only the server knows is left to it", () => {
  const skeleton = skeletonOf(CALLS);
  const found = (text: string) => matchesOf(byName(skeleton, text) ?? new Uint8Array(5)).positions;
  expect(found("LOAD")).toEqual([1, 3]);
  expect(found("db")).toEqual([2, 4]);
  expect(found("0000000000000002")).toEqual([1]);
  for (const text of ["{ status = error }", "-load", "http.status_code=500"])
    expect(byName(skeleton, text)).toBeNull();
  expect(['{ name = "}" }', "{ a", "{ a } && { b }", "words"].map(isComplete)).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("zooming remembers where it was, and a turn of the wheel is one step", () => {
  const zooming = new Zooming(() => ({ from: 0, to: 1000 }));
  zooming.to({ from: 200, to: 600 });
  zooming.around(400, 0.5);
  zooming.around(400, 0.5);
  expect(zooming.window.value).toEqual({ from: 350, to: 450 });
  zooming.back();
  expect(zooming.window.value).toEqual({ from: 200, to: 600 });
  zooming.back();
  expect(zooming.chosen.value).toBeNull();
  zooming.to({ from: -100, to: 300 });
  expect(zooming.window.value).toEqual({ from: 0, to: 400 });
  zooming.all();
  expect([zooming.chosen.value, zooming.before.value.length]).toEqual([null, 2]);
  zooming.backTo(1);
  expect(zooming.window.value).toEqual({ from: 0, to: 400 });
});

test("what is shown stays when times are moved", () => {
  let home = { from: 0, to: 1000 };
  const zooming = new Zooming(() => home);
  zooming.to({ from: 200, to: 600 });
  zooming.to({ from: 300, to: 400 });
  home = { from: 0, to: 900 };
  zooming.shift(-100);
  expect(zooming.window.value).toEqual({ from: 200, to: 300 });
  zooming.back();
  expect(zooming.window.value).toEqual({ from: 100, to: 500 });
  zooming.back();
  expect(zooming.window.value).toEqual(home);
});

test("more rows than a browser can stack are scrolled through in shares", () => {
  const height = 4 * SCROLL_HEIGHT_MAX;
  expect(offsetOf(1000, 500, 20_000)).toBe(1000);
  expect(offsetOf(SCROLL_HEIGHT_MAX - 500, 500, height)).toBe(height - 500);
  expect(offsetOf(scrollTopOf(123_456, 500, height), 500, height)).toBeCloseTo(123_456, 3);
  const { first, last } = rowsInSight(2400, 480, 24, 1000);
  expect([first <= 100, last >= 120, last - first < 60]).toEqual([true, true, true]);
  expect(rowsInSight(0, 480, 24, 3)).toEqual({ first: 0, last: 3 });
});

test("percentiles do not claim more than is so", () => {
  expect([0.975, 0.9996, 1, 0].map(percentile)).toEqual(["p97", "p99.9", "longest", "p0"]);
  expect(
    withoutGaps(
      new Map([
        [4, 1],
        [16, 2],
      ]),
    ),
  ).toEqual([
    { bound: 4, count: 1 },
    { bound: 8, count: 0 },
    { bound: 16, count: 2 },
  ]);
  expect(withoutGaps(new Map())).toEqual([]);
});

test("Tempo's JSON becomes OTLP's", () => {
  const tempo = {
    spans: [
      {
        traceId: btoa("\u0001\u0002"),
        spanId: btoa("\u00ff"),
        kind: "SPAN_KIND_CLIENT",
        name: "GET",
        status: { code: "STATUS_CODE_ERROR" },
        attributes: [{ key: "kind", value: { stringValue: "SPAN_KIND_CLIENT" } }],
      },
    ],
  };
  expect(asOtlp(tempo)).toEqual({
    spans: [
      {
        traceId: "0102",
        spanId: "ff",
        kind: 3,
        name: "GET",
        status: { code: 2 },
        attributes: [{ key: "kind", value: { stringValue: "SPAN_KIND_CLIENT" } }],
      },
    ],
  });
});

test("attributes are filtered by key and value, exceptions are read, problems are told in words", () => {
  const attributes = [
    { key: "http.route", value: { stringValue: "/pay" } },
    { key: "db.system", value: { stringValue: "mysql" } },
  ];
  expect(attributesWith(attributes, "PAY").map(({ key }) => key)).toEqual(["http.route"]);
  expect(attributesWith(attributes, "").map(({ key }) => key)).toEqual(["db.system", "http.route"]);
  expect(
    exceptionOf({ name: "exception", attributes: [{ key: "exception.type", value: { stringValue: "E" } }] }),
  ).toEqual({ type: "E", message: "", stack: "" });
  expect(exceptionOf({ name: "retry", attributes: [] })).toBeNull();
  expect(problemText({ problem: "NoService", n: 2, positions: [] })).toBe("2 spans name no service");
  expect(problemText({ problem: "odd", n: 1, positions: [] })).toBe("1 span: odd");
  expect(nextOrder({ key: "self", descending: true }, "self", true)).toEqual({
    key: "self",
    descending: false,
  });
  expect(nextOrder({ key: "self", descending: true }, "name", false)).toEqual({
    key: "name",
    descending: false,
  });
});

import { expect, test } from "vitest";
import { deploysOf } from "../src/charts/deploys.ts";
import {
  apart,
  decades,
  highest,
  lowest,
  nearest,
  stacked,
  timeTicks,
  valueTicks,
} from "../src/charts/scale.ts";

test.each([
  [100, 4, [0, 25, 50, 75, 100]],
  [0.37, 4, [0, 0.1, 0.2, 0.30000000000000004, 0.4]],
  [3, 3, [0, 1, 2, 3]],
  [0, 4, [0, 1]],
  [Number.NaN, 4, [0, 1]],
])("an axis up to %d with about %d steps", (max, wanted, ticks) =>
  expect(valueTicks(max, wanted)).toEqual(ticks),
);

test("a logarithmic axis has whole decades, at least one", () => {
  expect(decades(3e6, 2e9)).toEqual([1e6, 1e7, 1e8, 1e9, 1e10]);
  expect(decades(1000, 1000)).toEqual([1000, 10_000]);
  expect(decades(0, 5)).toEqual([1, 10]);
});

test("times on the axis are round in the zone of the reader", () => {
  const hour = 3_600_000;
  const start = Date.UTC(2026, 0, 2, 9, 7);
  expect(timeTicks(start, start + hour, 4).map((time) => new Date(time).toISOString().slice(11, 16))).toEqual(
    ["09:15", "09:30", "09:45", "10:00"],
  );
  // Half past in UTC is full in India.
  expect(
    new Date(timeTicks(start, start + 6 * hour, 6, 5.5 * hour)[0] ?? 0).toISOString().slice(11, 16),
  ).toBe("09:30");
});

test("the nearest of ascending times", () => {
  const times = [10, 20, 40];
  expect([0, 14, 15, 16, 29, 31, 100].map((at) => nearest(times, at))).toEqual([0, 0, 0, 1, 1, 2, 2]);
  expect(nearest([], 5)).toBe(-1);
});

test("stacks add up, gaps count as nothing", () => {
  expect(
    stacked([
      [1, null, 3],
      [1, 2, null],
    ]),
  ).toEqual([
    [1, 0, 3],
    [2, 2, 3],
  ]);
  expect(
    highest([
      [1, null],
      [7, 2],
    ]),
  ).toBe(7);
  expect(
    lowest([
      [0, null],
      [7, 2],
    ]),
  ).toBe(2);
  expect(lowest([[0]])).toBe(0);
});

test("a version that begins after the first is a deployment", () => {
  const series = (version: string, values: (number | null)[]) => ({
    labels: { "resource.service.version": version },
    values,
    times: [60_000, 120_000, 180_000],
    exemplars: [],
  });
  const marks = deploysOf(
    [
      series("1.0", [5, 5, null]),
      series("1.1", [null, 2, 6]),
      series("nil", [null, 1, 1]),
      series("0.9", [1, 0, 0]),
    ],
    60_000,
  );
  expect(marks).toEqual([{ time: 60_000, label: "1.1" }]);
  expect(deploysOf([], 60_000)).toEqual([]);
});

test("of points that touch, the first stays", () => {
  const at = ([x, y]: [number, number]) => [x, y] as const;
  const points: [number, number][] = [
    [0, 0],
    [3, 4],
    [6, 8],
    [0, 20],
  ];
  expect(apart(points, at, 6)).toEqual([
    [0, 0],
    [6, 8],
    [0, 20],
  ]);
});

import { expect, test } from "vitest";
import { compact, duration, durationTo, millis, percent, rate } from "../src/text/numbers.ts";
import { clock, isoNanos, parseTime } from "../src/text/times.ts";

test.each([
  [0, "0 ns"],
  [832, "832 ns"],
  [999.4, "999 ns"],
  [999.6, "1.00 µs"],
  [12_400, "12.4 µs"],
  [3_210_000, "3.21 ms"],
  [999_600_000, "1.00 s"],
  [1_080_000_000, "1.08 s"],
  [134e9, "2 m 14 s"],
  [59.9e9, "1 m 0 s"],
  [11_520e9, "3 h 12 m"],
  [90_000e9, "1 d 1 h"],
  [-5_000_000, "−5.00 ms"],
  [Number.NaN, "–"],
])("a duration of %d ns is %s", (nanos, text) => expect(duration(nanos)).toBe(text));

test.each([
  [0, 1, "0 ns"],
  [2e9, 2e9, "2.00 s"],
  [3.762e9, 2e6, "3.762 s"],
  [3.76e9, 2e6, "3.760 s"],
  [3_760_000_120, 20, "3.76000012 s"],
  [520e3, 1e3, "520 µs"],
  [1200, 200, "1.20 µs"],
  [-1.5e6, 1e5, "−1.50 ms"],
  [64e9, 2e9, "1 m 4 s"],
  [64.25e9, 5e7, "1 m 4.25 s"],
  [3600e9, 60e9, "1 h 0 m"],
  [3605e9, 5e9, "60 m 5 s"],
])("%d ns beside what is %d later is %s", (nanos, step, text) => expect(durationTo(nanos, step)).toBe(text));

test("counts, rates and shares are short", () => {
  expect([83, 9_800, 999_600, 2_100_000].map(compact)).toEqual(["83", "9.80k", "1.00M", "2.10M"]);
  expect(rate(124)).toBe("124/s");
  expect([0, 0.00028, 0.342].map(rate)).toEqual(["0/s", "<0.001/s", "0.342/s"]);
  expect([0, 0.0001, 0.031, 1].map(percent)).toEqual(["0.0 %", "<0.1 %", "3.1 %", "100 %"]);
  expect([0, 57, 2040].map(millis)).toEqual(["<1 ms", "57 ms", "2.04 s"]);
});

test.each([
  ["now", 1e12],
  ["now-15m", 1e12 - 900_000],
  ["1700000000", 1_700_000_000_000],
  ["1700000000123", 1_700_000_000_123],
  ["1700000000123456", 1_700_000_000_123.456],
  ["1700000000123456789", 1_700_000_000_123.4568],
  ["2026-01-02T03:04:05Z", 1_767_323_045_000],
  ["yesterday", null],
])("the time %s", (text, millis) => {
  const parsed = parseTime(text, 1e12);
  if (millis === null) expect(parsed).toBeNull();
  else expect(parsed).toBeCloseTo(millis, 2);
});

test("times say the date only when it is another day", () => {
  const now = Date.UTC(2026, 0, 2, 12);
  expect(clock(Date.UTC(2026, 0, 2, 3, 4, 5, 6), true, now)).toBe("03:04:05.006");
  expect(clock(Date.UTC(2026, 0, 1, 3, 4, 5, 6), true, now)).toBe("2026-01-01 03:04:05.006");
  expect(isoNanos(1_767_323_045_123_456_789n)).toBe("2026-01-02T03:04:05.123456789Z");
});

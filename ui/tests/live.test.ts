import { expect, test } from "vitest";
import type { Series } from "../src/api/metrics.ts";
import type { LiveSpan } from "../src/api/schema.ts";
import { KEPT_MAX, NO_ROWS, Rates, received, resumed } from "../src/live/tail.ts";
import { filterPart, LINES_MAX, named, nameOf, PRESETS, summaryOf, unitOf } from "../src/metrics/queries.ts";

const span = (spanId: string): LiveSpan => ({
  traceId: "1",
  spanId,
  service: "web",
  name: "GET",
  startUnixNanos: "1",
  durationNanos: 1,
  error: false,
  root: true,
});
const ids = (spans: readonly LiveSpan[]) => spans.map(({ spanId }) => spanId);

test("the newest span is on top, and what is too much goes", () => {
  const rows = received(received(NO_ROWS, [span("a"), span("b")], false), [span("c")], false);
  expect(ids(rows.shown)).toEqual(["c", "b", "a"]);
  const many = Array.from({ length: KEPT_MAX + 5 }, (_, i) => span(String(i)));
  expect(received(rows, many, false).shown).toHaveLength(KEPT_MAX);
});

test("while the reader looks nothing moves, and nothing is counted twice", () => {
  const looking = received(received(NO_ROWS, [span("a")], false), [span("b"), span("c")], true);
  expect([ids(looking.shown), ids(looking.waiting), looking.lost]).toEqual([["a"], ["c", "b"], 0]);
  const longer = received(
    looking,
    Array.from({ length: KEPT_MAX }, (_, i) => span(String(i))),
    true,
  );
  expect([longer.waiting.length, longer.lost]).toEqual([KEPT_MAX, 2]);
  expect(resumed(looking)).toEqual({ shown: [span("c"), span("b"), span("a")], waiting: [], lost: 0 });
});

test("rates are of the last seconds", () => {
  const rates = new Rates();
  expect(rates.at(0)).toEqual({ received: 0, sent: 0 });
  for (let at = 0; at <= 10_000; at += 250) rates.add({ spans: [span("a")], received: 80, dropped: 79 }, at);
  expect(rates.at(10_000)).toEqual({ received: 320, sent: 4 });
  // When nothing comes any more they fall.
  expect(rates.at(12_000).received).toBeLessThan(120);
  expect(rates.at(20_000)).toEqual({ received: 0, sent: 0 });
});

const series = (labels: Record<string, string>, values: (number | null)[]): Series => ({
  labels,
  values,
  times: [],
  exemplars: [],
});

test("what the values of a query are", () => {
  expect(unitOf("{} | rate() by (name)")).toBe("per second");
  expect(unitOf("{} | quantile_over_time(duration, .9)")).toBe("duration");
  expect(unitOf("{} | max_over_time( span:duration ) by (name)")).toBe("duration");
  expect(unitOf("{} | count_over_time()")).toBe("count");
  expect(unitOf("{} | avg_over_time(span.http.response.body.size)")).toBe("number");
  expect(PRESETS.map(([, q]) => unitOf(q)).filter((unit) => unit === "number")).toEqual([]);
});

test("series are called by what tells them apart", () => {
  expect(nameOf({})).toBe("all");
  expect(nameOf({ p: "0.95" })).toBe("p95");
  expect(nameOf({ p: "0.999" })).toBe("p99.9");
  expect(nameOf({ name: "GET /", p: "0.5" })).toBe("GET / · p50");
});

test("the highest series are drawn, those of one query in different colors", () => {
  const many = Array.from({ length: 60 }, (_, i) => series({ name: `n${i}` }, [i, null]));
  const lines = named(["{} | rate() by (name)"], [many]);
  expect(lines).toHaveLength(LINES_MAX);
  expect(lines[0]).toMatchObject({ name: "n59", unit: "per second", query: 0 });
  expect(new Set(lines.slice(0, 12).map(({ color }) => color)).size).toBe(12);
  const service = named(
    ["{} | rate() by (resource.service.name)"],
    [[series({ "resource.service.name": "web" }, [1])]],
  );
  expect(service[0]?.color).toMatch(/^service-\d+$/);
});

test("summaries leave gaps out", () => {
  expect(summaryOf([2, null, 4])).toEqual({ min: 2, max: 4, mean: 3, last: 4 });
  expect(summaryOf([null]).mean).toBeNaN();
});

test("the spans of a metric are those before its first function", () => {
  expect(filterPart("{ kind = server || kind = client } | rate() by (name)")).toBe(
    "{ kind = server || kind = client }",
  );
  expect(filterPart('{ name = "a | b" } >> { } | rate()')).toBe('{ name = "a | b" } >> { }');
  expect(filterPart("{ name =~ `a|b` }")).toBe("{ name =~ `a|b` }");
});

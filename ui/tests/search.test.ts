import { expect, test } from "vitest";
import type { SearchPage, SearchRequest, SpanResult, TraceResult } from "../src/api/search.ts";
import { cellsOf } from "../src/search/cells.ts";
import { isMetric, keyOf, namesOf, parameterOf, selecting, valueIn } from "../src/search/columns.ts";
import { csvOf, spanTable, traceTable } from "../src/search/download.ts";
import { literalOf } from "../src/search/facets.tsx";
import { durationRows } from "../src/search/heatmap-table.tsx";
import { Pages, progressOf } from "../src/search/pages.ts";
import { saysOf } from "../src/search/results-bar.tsx";
import { boxOf, boxText, conditionOf } from "../src/search/selection.ts";
import { leftOut, spansOf } from "../src/search/spans.tsx";

const span = (spanId: string, startMillis: number, durationNanos: number): SpanResult => ({
  traceId: "1",
  spanId,
  name: "GET",
  startMillis,
  durationNanos,
  values: { "http.route": "/x" },
});

const trace = (
  traceId: string,
  matches: readonly SpanResult[] = [],
  matched = matches.length,
): TraceResult => ({
  traceId,
  service: "web",
  name: "GET",
  startMillis: 0,
  durationMillis: 1,
  matched,
  spans: 1,
  errors: 0,
  services: [],
  matches,
});

/** A server with so many traces, which notes what it was asked. */
function server(count: number) {
  const asked: string[] = [];
  const ask = async ({ limit, after, q }: SearchRequest): Promise<SearchPage> => {
    asked.push(`${q} ${limit} after ${after ?? "nothing"}`);
    const from = Number(after ?? 0);
    const to = Math.min(count, from + limit);
    const traces = Array.from({ length: to - from }, (_, i) => trace(String(from + i)));
    return { traces, next: to < count ? String(to) : null };
  };
  return { asked, ask };
}

const QUESTION = { q: "{}", from: 0, to: 1, order: "start" } as const;

test("the first results come first, the others follow where they ended", async () => {
  const { asked, ask } = server(1000);
  const pages = new Pages(ask);
  await pages.start(QUESTION, 50);
  expect(asked).toEqual(["{} 10 after nothing", "{} 40 after 10"]);
  expect(pages.found.value).toMatchObject({ loading: false, more: true, current: true, error: null });
  expect(pages.found.value.traces.map(({ traceId }) => traceId)).toEqual(
    Array.from({ length: 50 }, (_, i) => String(i)),
  );
  await pages.until(180);
  expect(asked.slice(2)).toEqual(["{} 100 after 50", "{} 30 after 150"]);
  expect(pages.found.value.traces).toHaveLength(180);
});

test("the longest are asked for at once: a part of them costs as much as all", async () => {
  const { asked, ask } = server(1000);
  await new Pages(ask).start({ ...QUESTION, order: "duration" }, 50);
  expect(asked).toEqual(["{} 50 after nothing"]);
});

test("the end is the end", async () => {
  const { asked, ask } = server(7);
  const pages = new Pages(ask);
  await pages.start(QUESTION, 50);
  await pages.until(100);
  expect(asked).toEqual(["{} 10 after nothing"]);
  expect(pages.found.value).toMatchObject({ more: false, loading: false });
});

test("what has come stays when somebody stops, and progress never runs backwards", async () => {
  let go: (page: SearchPage) => void = () => {};
  const pages = new Pages(() => new Promise((resolve) => (go = resolve)));
  const shares: number[] = [];
  pages.found.subscribe((found) => shares.push(progressOf(found)));
  const running = pages.start(QUESTION, 50);
  go({ traces: Array.from({ length: 10 }, (_, i) => trace(String(i))), next: "10" });
  await Promise.resolve();
  await Promise.resolve();
  expect(pages.found.value.traces).toHaveLength(10);
  expect(progressOf(pages.found.value)).toBe(0.2);
  pages.cancel();
  go({ traces: [trace("late")], next: null });
  await running;
  expect(pages.found.value).toMatchObject({ loading: false, canceled: true, more: true });
  expect(pages.found.value.traces).toHaveLength(10);
  expect(shares.slice(1)).toEqual([...shares.slice(1)].sort((a, b) => a - b));
});

test("what was there stays while the next question is asked, and when it fails", async () => {
  const { ask } = server(3);
  let isBroken = false;
  const pages = new Pages((request) => (isBroken ? Promise.reject(new Error("no")) : ask(request)));
  await pages.start(QUESTION, 50);
  isBroken = true;
  await pages.start({ ...QUESTION, q: "{ status = error }" }, 50);
  expect(pages.found.value).toMatchObject({ loading: false, error: new Error("no") });
  expect(pages.found.value.traces).toHaveLength(3);
});

test("the bar says how many there are and whether that is all", () => {
  const found = { traces: [trace("1")], wanted: 50, error: null, current: true, canceled: false };
  expect(saysOf({ ...found, loading: true, more: true }, "start")).toBe("1 of 50");
  expect(saysOf({ ...found, loading: false, more: true }, "start")).toBe("newest 1 traces");
  expect(saysOf({ ...found, loading: false, more: false }, "start")).toBe("1 trace, all there are");
  expect(saysOf({ ...found, loading: false, more: true, canceled: true }, "start")).toBe("stopped after 1");
});

test("spans of all traces are in one order", () => {
  const traces = [trace("a", [span("1", 10, 5), span("2", 30, 1)], 7), trace("b", [span("3", 20, 9)])];
  expect(spansOf(traces, "start").map(({ spanId }) => spanId)).toEqual(["2", "3", "1"]);
  expect(spansOf(traces, "duration").map(({ spanId }) => spanId)).toEqual(["3", "1", "2"]);
  expect(leftOut(traces)).toBe(5);
});

test("columns of an address and back", () => {
  expect(namesOf('span.http.route,resource."a, b" ,,span.http.route')).toEqual([
    "span.http.route",
    'resource."a, b"',
  ]);
  expect(namesOf(null)).toEqual([]);
  expect(parameterOf(["a", "b"])).toBe("a,b");
  expect(parameterOf([])).toBeUndefined();
});

test.each([
  ["{}", "{} | select(name, .x)"],
  ["{} | count() > 2", "{} | count() > 2 | select(name, .x)"],
  ["{} with (most_recent=true)", "{} | select(name, .x) with (most_recent=true)"],
  ["{} | rate() by (name)", "{} | rate() by (name)"],
])("%s brings attributes", (q, selected) => expect(selecting(q, ["name", ".x"])).toBe(selected));

test("a query without columns stays as it is", () => {
  expect(selecting("{}", [])).toBe("{}");
  expect(isMetric("{ name = `rate()` }")).toBe(false);
  expect(isMetric("{} | quantile_over_time(duration, .9)")).toBe(true);
});

test.each([
  ["span.http.route", "http.route"],
  [".http.route", "http.route"],
  ['resource."a b"', "a b"],
  ["span:kind", "kind"],
  ["duration", "duration"],
])("the key of %s", (name, key) => expect(keyOf(name)).toBe(key));

test("a value of a column", () => {
  expect(valueIn(span("1", 0, 0), "span.http.route")).toBe("/x");
  expect(valueIn(span("1", 0, 0), "name")).toBe("GET");
  expect(valueIn(span("1", 0, 0), "span.other")).toBeUndefined();
  expect(valueIn(undefined, "name")).toBeUndefined();
});

test("values of facets as TraceQL has them", () => {
  expect(literalOf("status", { stringValue: "error" })).toBe("error");
  expect(literalOf("span.code", { intValue: "503" })).toBe("503");
  expect(literalOf("span.code", { stringValue: "503" })).toBe('"503"');
  expect(literalOf("span.code", { stringValue: "nil" })).toBe("nil");
});

test.each([
  [{ from: 1, to: 2, above: null, upTo: null }, "1-2", ""],
  [
    { from: 1, to: 2, above: 524288, upTo: 1048576 },
    "1-2,524288-1048576",
    "duration > 524288ns && duration <= 1048576ns",
  ],
])("a box in an address", (box, text, condition) => {
  expect(boxText(box)).toBe(text);
  expect(boxOf(text)).toEqual(box);
  expect(conditionOf(box)).toBe(condition);
});

test.each(["", "1", "2-1", "1-2,3"])("%j is no box", (text) => expect(boxOf(text)).toBeNull());

const series = (bound: string, values: readonly (number | null)[]) => ({
  labels: { __bucket: bound },
  values,
  times: [1, 2],
  exemplars: [],
});

test("the table of the heatmap has the longest durations first", () => {
  const cells = cellsOf([series("0.001", [3, null]), series("0.004", [1, 1])]);
  const errors = cellsOf([series("0.004", [1, 0])]);
  expect(durationRows(cells, errors)).toEqual([
    { bound: 4e6, count: 2, failed: 1 },
    { bound: 1e6, count: 3, failed: 0 },
  ]);
});

test("results as CSV", () => {
  expect(
    csvOf([
      ["a,b", 'say "hi"'],
      ["=1+1", -5],
      ["two\nlines", ""],
    ]),
  ).toBe('"a,b","say ""hi"""\r\n\'=1+1,-5\r\n"two\nlines",\r\n');
  expect(traceTable([trace("1", [span("2", 3, 4)])], ["span.http.route"])).toEqual([
    ["time", "trace id", "service", "operation", "services", "spans", "errors", "duration ms", "http.route"],
    ["1970-01-01T00:00:00.000Z", "1", "web", "GET", 0, 1, 0, 1, "/x"],
  ]);
  expect(spanTable([span("2", 3, 4)], ["span.none"])).toEqual([
    ["time", "trace id", "span id", "service", "operation", "kind", "status", "duration ns", "none"],
    ["1970-01-01T00:00:00.003Z", "1", "2", "", "GET", "", "", 4, ""],
  ]);
});

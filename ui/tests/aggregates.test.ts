import { expect, test } from "vitest";
import type { Series } from "../src/api/metrics.ts";
import type { ExceptionGroup } from "../src/api/schema.ts";
import { chosen, filterOf, isNew, summed } from "../src/exceptions/groups.ts";
import { shortType } from "../src/exceptions/list.tsx";
import { demoCommand, endpointsOf, snippets } from "../src/home/sending.ts";
import { examplesOf, slowFrom } from "../src/service/examples.ts";
import { before, change, type Figures, joined } from "../src/service/figures.ts";
import { instanceFilter, instanceName } from "../src/service/instances.tsx";
import { notable } from "../src/service/notable.ts";
import { redOf } from "../src/service/red.ts";
import { all, ofOperation, ofService, spanChoice } from "../src/service/spans.ts";
import { type FiguresRow, ordered } from "../src/service/table.tsx";

const series = (labels: Record<string, string>, values: (number | null)[], times: number[] = []): Series => ({
  labels,
  values,
  times,
  exemplars: [],
});

test("conditions are joined without changing what they mean", () => {
  expect(all("true", "a = 1", "b = 2 || c = 3")).toBe("a = 1 && (b = 2 || c = 3)");
  expect(all("true", "")).toBe("true");
  expect(ofService('a"b')).toBe('resource.service.name = "a\\"b"');
  expect(ofService("web", "root")).toBe('resource.service.name = "web" && nestedSetParent = -1');
  expect(ofOperation("web", "GET /")).toBe('resource.service.name = "web" && name = "GET /"');
  expect([spanChoice("root"), spanChoice("toString"), spanChoice(null)]).toEqual(["root", "entry", "entry"]);
});

test("the answers of several queries are one row per group", () => {
  const range = { from: 0, to: 100_000 };
  const by = ["name"];
  const times = [50_000, 100_000, 150_000];
  const [get, post] = joined(by, range, {
    counts: [series({ name: "GET" }, [200]), series({ name: "POST" }, [50])],
    failed: [series({ name: "POST" }, [5])],
    quantiles: [series({ name: "GET", p: "0.5" }, [0.001]), series({ name: "GET", p: "0.95" }, [0.25])],
    trend: [series({ name: "GET" }, [1, null, 9], times)],
    errorTrend: [],
  });
  // The interval that is not over is left out.
  expect(get).toMatchObject({
    values: ["GET"],
    rate: 2,
    errors: 0,
    p50: 1e6,
    p95: 25e7,
    trend: [1, 0],
    errorTrend: [],
  });
  expect(get?.p99).toBeNaN();
  expect(post).toMatchObject({ count: 50, failed: 5, errors: 0.1, rate: 0.5, trend: [] });
});

test("charts have what is over, and no durations where there are no spans", () => {
  const times = [60_000, 120_000, 180_000];
  const red = redOf(
    {
      rate: [series({}, [2, 0, 4], times)],
      failed: [series({}, [1, null, 4], times)],
      quantiles: [series({ p: "0.5" }, [0.001, 0, 0.002], times)],
      deploys: [],
    },
    60_000,
    { from: 0, to: 150_000 },
  );
  expect(red.times).toEqual([60_000, 120_000]);
  expect(red.errors).toEqual([0.5, null]);
  expect(red.p50).toEqual([1e6, null]);
  expect(red.p95).toEqual([null, null]);
});

const figures = (rest: Partial<Figures>): Figures => ({
  values: [],
  count: 1000,
  rate: 10,
  failed: 0,
  errors: 0,
  p50: 1e6,
  p95: 1e7,
  p99: 1e8,
  trend: [],
  errorTrend: [],
  ...rest,
});

test("the most notable change is named, errors first", () => {
  const now = figures({});
  expect(notable(now, now)).toBeNull();
  expect(notable(now, undefined)?.text).toBe("new");
  expect(notable(figures({ errors: 0.03, failed: 30, p95: 1e9 }), now)).toMatchObject({
    text: "errors +3.0 pp",
    worse: true,
  });
  expect(notable(figures({ p95: 2.8e7 }), now)).toMatchObject({ text: "p95 +180 %", worse: true });
  expect(notable(figures({ p95: 2e8 }), now)?.text).toBe("p95 ×20");
  expect(notable(figures({ rate: 6 }), now)).toMatchObject({ text: "rate −40 %", worse: false });
  // Five of 33 against four of 33 is chance.
  const few = { count: 33, failed: 4, errors: 4 / 33 };
  expect(notable(figures({ ...few, failed: 5, errors: 5 / 33 }), figures(few))).toBeNull();
  // Few spans say nothing about durations.
  expect(notable(figures({ count: 3, p95: 1e9 }), figures({ count: 3 }))).toBeNull();
  expect(change(1, 0)).toBeNull();
  expect(before({ from: 100, to: 150 })).toEqual({ from: 50, to: 100 });
});

test("rows without a duration come last", () => {
  const row = (name: string, rest: Partial<Figures>): FiguresRow => ({
    key: name,
    name,
    cell: name,
    filter: "true",
    figures: figures(rest),
  });
  const rows = [row("a", { p95: Number.NaN }), row("b", { p95: 5 }), row("c", { p95: 9 })];
  expect(ordered(rows, "p95").map(({ name }) => name)).toEqual(["c", "b", "a"]);
  expect(ordered(rows, "name").map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("an instance is called what people call it", () => {
  expect(instanceName(["nil", "host-1", "8f2", "1.0"])).toBe("host-1");
  expect(instanceName(["nil", "nil", "nil", "nil"])).toBe("unnamed");
  expect(instanceFilter(["pod-1", "nil", "", "1.0"])).toBe(
    'resource.k8s.pod.name = "pod-1" && resource.service.version = "1.0"',
  );
});

const group = (rest: Partial<ExceptionGroup>): ExceptionGroup => ({
  type: "java.io.IOException",
  message: "broken pipe",
  frame: null,
  service: "web",
  count: 1,
  firstUnixNanos: "1000000000",
  lastUnixNanos: "2000000000",
  series: [],
  versions: [],
  examples: [],
  ...rest,
});

test("exceptions are filtered by words and ordered", () => {
  const often = group({ count: 9, frame: "a.B.c" });
  const late = group({ service: "cart", lastUnixNanos: "9000000000", firstUnixNanos: "8000000000" });
  expect(chosen([late, often], "", "count")).toEqual([often, late]);
  expect(chosen([often, late], "", "last")).toEqual([late, often]);
  expect(chosen([often, late], "PIPE cart", "first")).toEqual([late]);
  expect(chosen([often, late], "a.b.c", "count")).toEqual([often]);
  expect(summed([group({ series: [1, 2] }), group({ series: [0, 5] })])).toEqual([1, 7]);
  expect([isNew(late, { from: 0, to: 10_000 }), isNew(often, { from: 900, to: 10_000 })]).toEqual([
    true,
    false,
  ]);
});

test("an exception leads to its spans", () => {
  expect(filterOf(group({}))).toBe(
    'resource.service.name = "web" && event.exception.type = "java.io.IOException"',
  );
  expect(filterOf(group({ type: "" }))).toBe('resource.service.name = "web" && event:name = "exception"');
  expect(
    ["java.io.IOException", "*catalog.PoolError", "std::io::Error", "App\\Err", ""].map(shortType),
  ).toEqual(["IOException", "PoolError", "Error", "Err", "Exception without a type"]);
});

test("examples are the spans that matched", () => {
  const span = { spanID: "1f", startTimeUnixNano: "1700000000123456789", durationNanos: "42000000" };
  const traces = [
    { traceID: "abc", rootServiceName: "web", startTimeUnixNano: "1", spanSets: [{ spans: [span] }] },
    { traceID: "d", startTimeUnixNano: "1" },
  ];
  expect(examplesOf({ traces })).toEqual([
    {
      traceId: "abc".padStart(32, "0"),
      spanId: "000000000000001f",
      service: "web",
      name: "",
      startMillis: 1_700_000_000_123,
      durationNanos: 42_000_000,
    },
  ]);
  expect([slowFrom(0), slowFrom(40), slowFrom(4000)]).toEqual([0, 0, 0.99]);
});

test("the snippets have the endpoints of this server", () => {
  const config = 'storage: /data\notlp_grpc: "127.0.0.1:14317"\notlp_http: "0.0.0.0:14318"\n';
  const endpoints = endpointsOf(config, "traces.example");
  expect(endpoints).toEqual({ grpc: "traces.example:14317", http: "traces.example:14318", onlyHere: true });
  for (const [name, text] of snippets(endpoints)) expect(text, name).toMatch(/traces\.example:1431[78]/);
  expect(endpointsOf("", "localhost")).toEqual({
    grpc: "localhost:4317",
    http: "localhost:4318",
    onlyHere: false,
  });
  expect(demoCommand(endpointsOf("", "localhost"))).toBe("spandrel demo");
  expect(demoCommand(endpoints)).toBe("spandrel demo --endpoint http://traces.example:14317");
});

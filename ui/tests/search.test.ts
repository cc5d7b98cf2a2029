import { expect, test } from "vitest";
import type { Piece, SearchRequest, SpanResult, TraceResult } from "../src/api/search.ts";
import { literalOf } from "../src/api/values.ts";
import { cellsOf } from "../src/search/cells.ts";
import { isMetric, keyOf, namesOf, parameterOf, selecting, valueIn } from "../src/search/columns.ts";
import { csvOf, spanTable, traceTable } from "../src/search/download.ts";
import { durationRows } from "../src/search/heatmap-table.tsx";
import { type Found, Pages, shareOf } from "../src/search/pages.ts";
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

const piece = (traces: readonly TraceResult[], jobsDone: number, next: string | null = null): Piece => ({
  traces,
  next,
  done: jobsDone === 5,
  progress: { jobs: 5, jobsDone, bytesRead: jobsDone * 100, spansRead: jobsDone },
});

/** A server with so many traces, ten in each of its jobs, which notes what it was asked. */
function server(count: number) {
  const asked: string[] = [];
  async function* ask({ limit, after, q }: SearchRequest): AsyncGenerator<Piece> {
    asked.push(`${q} ${limit} after ${after ?? "nothing"}`);
    const from = Number(after ?? 0);
    const to = Math.min(count, from + limit);
    const all = Array.from({ length: to - from }, (_, i) => trace(String(from + i)));
    for (let job = 1; job < 5; job++) {
      const some = all.splice(0, 10);
      yield piece(some, job, some.at(-1) ? String(Number(some.at(-1)?.traceId) + 1) : null);
    }
    yield piece(all, 5, to < count ? String(to) : null);
  }
  return { asked, ask };
}

/** Pieces that come when the test says so. */
function held() {
  const waiting: ((piece: Piece) => void)[] = [];
  async function* ask(_: SearchRequest, signal: AbortSignal): AsyncGenerator<Piece> {
    for (;;) {
      const next = await new Promise<Piece>((resolve, reject) => {
        waiting.push(resolve);
        signal.addEventListener("abort", () => {
          waiting.splice(waiting.indexOf(resolve), 1);
          reject(signal.reason);
        });
      });
      yield next;
      if (next.done) return;
    }
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve));
  return {
    ask,
    give: async (one: Piece) => {
      await settled();
      waiting.shift()?.(one);
      await settled();
    },
  };
}

const QUESTION = { q: "{}", from: 0, to: 1, order: "start" } as const;

const ids = (pages: Pages) => pages.found.value.traces.map(({ traceId }) => traceId);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => String(i));

test("pieces are one list, and what follows begins where they end", async () => {
  const { asked, ask } = server(1000);
  const pages = new Pages(ask);
  await pages.start(QUESTION, 50);
  expect(asked).toEqual(["{} 50 after nothing"]);
  expect(pages.found.value).toMatchObject({ loading: false, more: true, current: true, error: null });
  expect(ids(pages)).toEqual(upTo(50));
  await pages.until(180);
  expect(asked.slice(1)).toEqual(["{} 130 after 50"]);
  expect(ids(pages)).toEqual(upTo(180));
});

test("the end is the end", async () => {
  const { asked, ask } = server(7);
  const pages = new Pages(ask);
  await pages.start(QUESTION, 50);
  await pages.until(100);
  expect(asked).toEqual(["{} 50 after nothing"]);
  expect(pages.found.value).toMatchObject({ more: false, loading: false });
});

test("what has come stays when somebody stops, and the search goes on from there", async () => {
  const { ask, give } = held();
  const pages = new Pages(ask);
  const shares: number[] = [];
  pages.found.subscribe((found) => shares.push(shareOf(found)));
  const running = pages.start(QUESTION, 50);
  await give(piece([], 1));
  expect(pages.found.value).toMatchObject({ loading: true, current: false });
  await give(
    piece(
      upTo(10).map((id) => trace(id)),
      2,
      "10",
    ),
  );
  expect(ids(pages)).toEqual(upTo(10));
  expect(shareOf(pages.found.value)).toBe(0.4);
  pages.cancel();
  await running;
  expect(pages.found.value).toMatchObject({ loading: false, canceled: true, more: true });
  expect(ids(pages)).toEqual(upTo(10));
  expect(shares.slice(1)).toEqual([...shares.slice(1)].sort((a, b) => a - b));
});

test("a search that was stopped goes on behind what it has, or from the beginning when it has nothing", async () => {
  for (const n of [0, 10]) {
    const asked: (string | undefined)[] = [];
    const { ask, give } = held();
    const pages = new Pages((request, signal) => {
      asked.push(request.after);
      return ask(request, signal);
    });
    const stopped = pages.start(QUESTION, 50);
    await give(
      piece(
        upTo(n).map((id) => trace(id)),
        1,
        n > 0 ? String(n) : null,
      ),
    );
    pages.cancel();
    await stopped;
    const goesOn = pages.until(50);
    await give(piece([trace("more")], 5));
    await goesOn;
    expect(asked).toEqual([undefined, n > 0 ? String(n) : undefined]);
    expect(ids(pages)).toEqual([...upTo(n), "more"]);
  }
});

test("what was there stays while the next question is asked, and when it fails", async () => {
  const { ask } = server(3);
  let isBroken = false;
  const pages = new Pages(async function* (request) {
    if (isBroken) throw new Error("no");
    yield* ask(request);
  });
  await pages.start(QUESTION, 50);
  isBroken = true;
  await pages.start({ ...QUESTION, q: "{ status = error }" }, 50);
  expect(pages.found.value).toMatchObject({ loading: false, error: new Error("no") });
  expect(pages.found.value.traces).toHaveLength(3);
});

test("the bar says how many there are and whether that is all", () => {
  const found: Found = {
    traces: [trace("1")],
    error: null,
    loading: false,
    current: true,
    canceled: false,
    more: true,
    progress: { jobs: 13, jobsDone: 5, bytesRead: 0, spansRead: 0 },
  };
  const says = (change: Partial<Found>) => saysOf({ ...found, ...change }, "start");
  expect(says({ loading: true })).toBe("1 found, 4 of 12 blocks read");
  expect(says({ loading: true, current: false })).toBe("4 of 12 blocks read");
  expect(says({ loading: true, current: false, progress: null })).toBe("searching");
  expect(says({})).toBe("newest 1 traces");
  expect(says({ more: false })).toBe("1 trace, all there are");
  expect(says({ canceled: true })).toBe("stopped after 1");
  expect(says({ canceled: true, current: false })).toBe("stopped after 0");
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

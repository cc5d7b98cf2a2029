import { expect, test } from "vitest";
import {
  cellText,
  detailText,
  nextRowOrder,
  numberText,
  orderedRows,
  orderOf,
  orderText,
  shownColumns,
  unitOf,
} from "../src/sql/cells.ts";
import { BARS_MAX, drawingOf, LINES_MAX } from "../src/sql/drawing.ts";
import { linkOf } from "../src/sql/grid.tsx";
import { movedCell } from "../src/sql/moves.ts";
import type { Column, Row, Value } from "../src/sql/reader.ts";

const column = (name: string, type = "text"): Column => ({ name, type });
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test.each([
  ["duration_ms", 1e6],
  ["duration_nanos", 1],
  ["p99_ms", 1e6],
  ["avg(spans.duration_ms)", 1e6],
  ["approx_percentile_cont(spans.duration_nanos,Float64(0.99))", 1],
  ["count(spans.duration_ms)", 0],
  ["var_pop(spans.duration_ms)", 0],
  ["spans", 0],
  ["columns", 0],
  ["msgs", 0],
])("a unit of %s has %d nanoseconds", (name, unit) => expect(unitOf(name)).toBe(unit));

test("columns are told by their types, names and values", () => {
  const columns = [
    column("start_time", "timestamptz"),
    column("p99_ms", "double"),
    column("error_share", "double"),
    column("share", "double"),
    column("spans", "bigint"),
    column("trace_id"),
    column("span_id"),
    column("trace_id"),
    column("service_name"),
    column("status"),
  ];
  const row = ["2026-11-28T00:41:00Z", 1.5, 0.25, 3, 7, TRACE, SPAN, "none", "cart", "error"];
  expect(shownColumns(columns, [row]).map(({ kind }) => kind)).toEqual([
    "time",
    "duration",
    "share",
    "number",
    "number",
    "trace",
    "span",
    "text",
    "service",
    "status",
  ]);
});

const cell = (of: Column, value: Value) => {
  const [shown] = shownColumns([of], [[value]]);
  return shown ? cellText(shown, value, true) : "";
};

test("values as people read them", () => {
  expect(cell(column("duration_ms", "double"), 3073.698681)).toBe("3.07 s");
  expect(cell(column("duration_nanos", "bigint"), 3794966)).toBe("3.79 ms");
  expect(cell(column("error_share", "double"), 0.0869)).toBe("8.7 %");
  expect(cell(column("minute", "timestamptz"), "2020-01-02T03:04:00Z")).toBe("2020-01-02 03:04:00");
  expect(cell(column("start_time", "timestamptz"), "2020-01-02T03:04:05.678901234Z")).toBe(
    "2020-01-02 03:04:05.678",
  );
  expect(cell(column("tags", "text[]"), ["a", null])).toBe('["a",null]');
  expect(cell(column("vip", "boolean"), false)).toBe("false");
  expect(cell(column("spans", "bigint"), null)).toBe("null");
  expect([0, 404, 8080, 12345, 0.1, 1 / 3, 1e-7, 1e21].map(numberText)).toEqual([
    "0",
    "404",
    "8,080",
    "12,345",
    "0.1",
    "0.333333",
    "1.00000e-7",
    "1,000,000,000,000,000,000,000",
  ]);
  expect(cell(column("status_code", "bigint"), 1404)).toBe("1404");
  expect(numberText("9007199254740993")).toBe("9,007,199,254,740,993");
  const [shown] = shownColumns([column("duration_ms", "double")], [[1.5]]);
  expect(shown && detailText(shown, 1.5)).toBe("1.5 (1,500,000 ns)");
});

test("rows are ordered by a column, null last both ways", () => {
  const of = (type: string, values: readonly Value[], descending: boolean) => {
    const rows = values.map((value): Row => [value]);
    const sorted = orderedRows(rows, shownColumns([column("x", type)], rows), { column: 0, descending });
    return sorted.map((i) => values[i] ?? null);
  };
  expect(of("bigint", [2, null, 10, "9007199254740993", "9007199254740992"], false)).toEqual([
    2,
    10,
    "9007199254740992",
    "9007199254740993",
    null,
  ]);
  expect(of("bigint", [2, null, 10], true)).toEqual([10, 2, null]);
  expect(of("text", ["b10", "a", "b9", null], false)).toEqual(["a", "b9", "b10", null]);
  const times = ["2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"];
  expect(of("timestamptz", times, false)).toEqual([times[1], times[0], times[2]]);
});

test("a click on a column orders, turns the order, and takes it back", () => {
  const first = nextRowOrder(null, 1, true);
  expect(first).toEqual({ column: 1, descending: true });
  const second = nextRowOrder(first, 1, true);
  expect(second).toEqual({ column: 1, descending: false });
  expect(nextRowOrder(second, 1, true)).toBeNull();
  expect(nextRowOrder(second, 0, false)).toEqual({ column: 0, descending: false });
  expect(orderOf(orderText({ column: 0, descending: true }), 2)).toEqual({ column: 0, descending: true });
  expect([orderOf("7", 2), orderOf("x", 2), orderOf(null, 2)]).toEqual([null, null, null]);
});

test("ids lead to the trace and to the span in it", () => {
  const columns = shownColumns([column("trace_id"), column("span_id"), column("name")], [[TRACE, SPAN, "x"]]);
  const row = [TRACE, SPAN, "x"];
  expect(linkOf(columns, row, 0)).toBe(`/trace/${TRACE}`);
  expect(linkOf(columns, row, 1)).toBe(`/trace/${TRACE}?span=${SPAN}`);
  expect(linkOf(columns, row, 2)).toBeNull();
  expect(linkOf(columns.slice(1), [SPAN, "x"], 0)).toBeNull();
  expect(linkOf(columns, [null, SPAN, "x"], 1)).toBeNull();
});

const MINUTE = 60_000;
const iso = (minute: number) => new Date(minute * MINUTE).toISOString();
const draw = (columns: readonly Column[], rows: readonly Row[], range = { from: 0, to: 1e15 }) =>
  drawingOf(shownColumns(columns, rows), rows, range, true);

test("a first column of times is drawn as lines, one per value of the others", () => {
  const columns = [column("minute", "timestamptz"), column("service_name"), column("spans", "bigint")];
  const rows = [
    [iso(1), "a", 5],
    [iso(1), "b", 50],
    [iso(3), "a", 7],
  ];
  const drawing = draw(columns, rows);
  if (drawing.form !== "time") throw new Error(drawing.form);
  expect(drawing.stepMillis).toBe(2 * MINUTE);
  expect(drawing.plots.map(({ title }) => title)).toEqual(["spans"]);
  expect(drawing.plots[0]?.lines.map(({ name, values }) => [name, values])).toEqual([
    ["b", [50, null]],
    ["a", [5, 7]],
  ]);
});

test("intervals without rows are gaps; those that the range cuts are left out", () => {
  const columns = [
    column("minute", "timestamptz"),
    column("n", "bigint"),
    column("errors", "bigint"),
    column("p95_ms", "double"),
  ];
  const rows = [1, 2, 4, 5].map((minute) => [iso(minute), minute, 0, 1.5]);
  const drawing = draw(columns, rows, { from: 1 * MINUTE, to: 5.5 * MINUTE });
  if (drawing.form !== "time") throw new Error(drawing.form);
  expect(drawing.times).toEqual([2, 3, 4, 5].map((minute) => minute * MINUTE));
  expect(drawing.notes).toHaveLength(1);
  expect(drawing.plots.map(({ title }) => title)).toEqual(["n, errors", "p95_ms"]);
  expect(drawing.plots[0]?.lines.map(({ color, values }) => [color, values])).toEqual([
    ["accent", [1, 2, null, 4]],
    ["error", [0, 0, null, 0]],
  ]);
  expect(drawing.plots[1]?.text(1.5)).toBe("1.50 ms");
});

test("the highest lines are shown, and it is said", () => {
  const columns = [column("t", "timestamptz"), column("name"), column("n", "bigint")];
  const rows = Array.from({ length: 20 }, (_, i) => [iso(1), `s${i}`, i]);
  const drawing = draw(columns, rows);
  if (drawing.form !== "time") throw new Error(drawing.form);
  expect(drawing.plots[0]?.lines).toHaveLength(LINES_MAX);
  expect(drawing.plots[0]?.lines[0]?.name).toBe("s19");
  expect(drawing.notes[0]).toContain("of 20 lines");
});

test("everything else is bars, with what is no measure as names", () => {
  const columns = [
    column("route"),
    column("status_code", "bigint"),
    column("spans", "double"),
    column("p99_ms", "double"),
  ];
  const rows = [
    ["/cart", 200, 12, 3],
    ["/pay", 500, 1, null],
  ];
  const drawing = draw(columns, rows);
  if (drawing.form !== "bars") throw new Error(drawing.form);
  expect(drawing.plots.map(({ title, bars }) => [title, bars])).toEqual([
    [
      "spans",
      [
        { label: "/cart · 200", value: 12 },
        { label: "/pay · 500", value: 1 },
      ],
    ],
    ["p99_ms", [{ label: "/cart · 200", value: 3 }]],
  ]);
  const many = draw(
    columns,
    Array.from({ length: BARS_MAX + 1 }, () => rows[0] ?? []),
  );
  expect(many.form === "bars" && many.notes[0]).toContain(`first ${BARS_MAX} of ${BARS_MAX + 1}`);
});

test("numbers alone, and nothing to draw", () => {
  const numbers = draw([column("a", "bigint"), column("b", "bigint")], [[1, 10]]);
  expect(numbers.form === "bars" && numbers.plots.map(({ title, bars }) => [title, bars])).toEqual([
    ["b", [{ label: "1", value: 10 }]],
  ]);
  expect(draw([column("a", "bigint")], [[1]])).toMatchObject({
    plots: [{ bars: [{ label: "a", value: 1 }] }],
  });
  expect(draw([column("name")], [["x"]]).form).toBe("none");
  expect(draw([column("n", "bigint")], []).form).toBe("none");
});

test("keys go from cell to cell, and stop at the ends", () => {
  const extent = { rows: 100, columns: 3, page: 10 };
  const go = (key: string, row: number, column: number, ctrlKey = false) =>
    movedCell({ key, ctrlKey, metaKey: false, altKey: false }, { row, column }, extent);
  expect(
    movedCell({ key: "ArrowDown", ctrlKey: false, metaKey: false, altKey: false }, null, extent),
  ).toEqual({
    row: 0,
    column: 0,
  });
  expect(go("ArrowDown", 0, 1)).toEqual({ row: 1, column: 1 });
  expect(go("ArrowUp", 0, 1)).toEqual({ row: 0, column: 1 });
  expect(go("PageDown", 95, 1)).toEqual({ row: 99, column: 1 });
  expect(go("End", 5, 0)).toEqual({ row: 5, column: 2 });
  expect(go("End", 5, 0, true)).toEqual({ row: 99, column: 2 });
  expect(go("Home", 5, 2, true)).toEqual({ row: 0, column: 0 });
  expect(go("x", 5, 2)).toBeNull();
  expect(
    movedCell({ key: "End", ctrlKey: false, metaKey: false, altKey: false }, null, { ...extent, rows: 0 }),
  ).toBeNull();
});

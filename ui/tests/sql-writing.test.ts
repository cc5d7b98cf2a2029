import { expect, test } from "vitest";
import { mended } from "../src/query/language.ts";
import { completionsOf } from "../src/sql/completion.ts";
import { sqlKeyOf } from "../src/sql/console.tsx";
import { EXAMPLES } from "../src/sql/examples.ts";
import { mistakeOf } from "../src/sql/mistakes.ts";
import { inserted } from "../src/sql/page.tsx";
import { callOf, type SqlSchema, tablesOf, typeName } from "../src/sql/schema.ts";
import { tokensOf } from "../src/sql/tokens.ts";

const kinds = (query: string) =>
  tokensOf(query)
    .filter(({ kind }) => kind !== "space")
    .map(({ kind, text }) => `${kind} ${text}`);

test("pieces of SQL", () => {
  expect(kinds(`SELECT count(*), 'it''s' -- x\nFROM spans s WHERE s."span.a" >= 1.5e3::bigint`)).toEqual([
    "keyword SELECT",
    "function count",
    "bracket (",
    "operator *",
    "bracket )",
    "operator ,",
    "string 'it''s'",
    "comment -- x",
    "keyword FROM",
    "unknown spans",
    "unknown s",
    "keyword WHERE",
    "unknown s",
    "operator .",
    'attribute "span.a"',
    "operator >=",
    "number 1.5e3",
    "operator ::",
    "word bigint",
  ]);
});

test("a column may be called as a unit, and a function as a clause", () => {
  expect(kinds("left(minute, 2) LEFT JOIN")).toEqual([
    "function left",
    "bracket (",
    "unknown minute",
    "operator ,",
    "number 2",
    "bracket )",
    "keyword LEFT",
    "keyword JOIN",
  ]);
});

test.each([...EXAMPLES.map(({ query }) => query), "'open", '"open', "/* open", "SELECT 😀 §", ""])(
  "the pieces of %s in a row are the query",
  (query) =>
    expect(
      tokensOf(query)
        .map(({ text }) => text)
        .join(""),
    ).toBe(query),
);

const SCHEMA: SqlSchema = {
  tables: [
    {
      name: "spans",
      columns: ["name", "kind", "status", "start_time"].map((name) => ({ name, type: "text" })),
    },
  ],
  attributes: [
    { scope: "span", name: "http.route" },
    { scope: "resource", name: "host.name" },
  ],
};

/** The text with `|` where the caret is, and with what is offered first in its place. */
function completed(text: string): string | null {
  const at = text.indexOf("|");
  const query = text.replace("|", "");
  const { from, to, items } = completionsOf(query, at, SCHEMA);
  const [first] = items;
  return first ? query.slice(0, from) + first.text + query.slice(to) : null;
}

test.each([
  ["SELECT na|", "SELECT name"],
  ["SELECT star|_x FROM spans", "SELECT start_time FROM spans"],
  ["SELECT approx_p|", "SELECT approx_percentile_cont("],
  ["SELECT * FROM sp|", "SELECT * FROM spans"],
  ["SELECT * FROM |", "SELECT * FROM spans"],
  ["SELECT s.ki| FROM spans s", "SELECT s.kind FROM spans s"],
  ["SELECT root_s|", "SELECT root_service_name"],
  ["SELECT attr('ho|", "SELECT attr('host.name'"],
  ["SELECT span_attr('|') FROM spans", "SELECT span_attr('http.route') FROM spans"],
  ["SELECT resource_attr('|')", "SELECT resource_attr('host.name')"],
  ["WHERE kind = '|'", "WHERE kind = 'server'"],
  ["WHERE status IN ('error', 'o|'", "WHERE status IN ('error', 'ok'"],
  ["SELECT 1 WHER|", "SELECT 1 WHERE"],
])("%s becomes %s", (text, wanted) => expect(completed(text)).toBe(wanted));

test.each(["SELECT name |", "-- na|", "SELECT 12|", "WHERE name = 'se|'", "|", "SELECT 'x'|"])(
  "nothing is offered in %s",
  (text) => expect(completed(text)).toBeNull(),
);

const key = (init: KeyboardEventInit) => new KeyboardEvent("keydown", init);

test("enter is another line, and with ctrl it runs", () => {
  expect(sqlKeyOf(key({ key: "Enter" }), false, -1)).toBeNull();
  expect(sqlKeyOf(key({ key: "Enter" }), true, -1)).toBeNull();
  expect(sqlKeyOf(key({ key: "Enter" }), true, 2)).toBe("accept");
  expect(sqlKeyOf(key({ key: "Enter", ctrlKey: true }), true, 2)).toBe("run");
  expect(sqlKeyOf(key({ key: "Enter", metaKey: true }), false, -1)).toBe("run");
  expect(sqlKeyOf(key({ key: "Tab" }), false, -1)).toBeNull();
  expect(sqlKeyOf(key({ key: "Tab" }), true, -1)).toBe("accept");
});

/** The part of the query that is underlined. */
const underlined = (query: string, error: string) => {
  const mistake = mistakeOf(query, error);
  return mistake && query.slice(mistake.from, mistake.to);
};

test("a mistake is where the server says", () => {
  expect(
    underlined(
      "SELECT 1\nFROM spans AN x",
      "syntax error: Expected: end of statement, found: AN at Line: 2, Column: 12",
    ),
  ).toBe("AN");
  expect(underlined("SELECT 😀 FRM", "syntax error: found: FRM at Line: 1, Column: 10")).toBe("FRM");
  const atEnd = mistakeOf("SELECT \n", "syntax error: Expected: an expression, found: EOF");
  expect(atEnd).toMatchObject({
    from: 6,
    message: "syntax error: Expected: an expression, but the query ends here",
  });
});

test("a name that is not known is underlined, and what was meant is offered", () => {
  const query = "SELECT 'nam', s.name, nam FROM spans s";
  const error =
    "Schema error: No field named nam. Did you mean 'spans.name'?\nValid fields are a, b.\nAttributes are read so.";
  const mistake = mistakeOf(query, error);
  expect(mistake).toMatchObject({
    from: 22,
    to: 25,
    replace: "name",
    message: "No field named nam. Did you mean 'spans.name'?\nAttributes are read so.",
  });
  expect(mistake && mended(query, mistake)).toBe("SELECT 'nam', s.name, name FROM spans s");
  expect(underlined("SELECT s.nam FROM spans s", "No field named s.nam. Did you mean 's.name'?")).toBe(
    "s.nam",
  );
  expect(
    underlined("SELECT Coutn(*)", "Error during planning: Invalid function 'coutn'.\nDid you mean 'count'?"),
  ).toBe("Coutn");
  expect(
    underlined("SELECT * FROM span", "Error during planning: table 'spandrel.public.span' not found"),
  ).toBe("span");
  expect(mistakeOf("SELECT 1/0", "Arrow error: Divide by zero error")).toBeNull();
});

test("names are written where the caret is, apart from others", () => {
  expect(inserted("SELECT  FROM spans", "name", 7, 7)).toEqual({ text: "SELECT name FROM spans", at: 11 });
  expect(inserted("SELECT", "name", 6, 6)).toEqual({ text: "SELECT name", at: 11 });
  expect(inserted("count(x)", "kind", 6, 7)).toEqual({ text: "count(kind)", at: 10 });
  expect(inserted("from", "a", 0, 0)).toEqual({ text: "a from", at: 1 });
});

test("tables with types as SQL has them, the server's own last", () => {
  const rows = [
    ["information_schema", "tables", "table_name", "Utf8"],
    ["public", "spans", "start_time", 'Timestamp(ns, "UTC")'],
    ["public", "spans", "weight", "Float64"],
  ];
  expect(tablesOf(rows)).toEqual([
    {
      name: "spans",
      columns: [
        { name: "start_time", type: "timestamptz" },
        { name: "weight", type: "double" },
      ],
    },
    { name: "information_schema.tables", columns: [{ name: "table_name", type: "text" }] },
  ]);
  expect(["Utf8View", "Int64", "Int32", "Boolean", "Timestamp(ns)"].map(typeName)).toEqual([
    "text",
    "bigint",
    "integer",
    "boolean",
    "timestamp",
  ]);
  expect(callOf({ scope: "span", name: "it's" })).toBe("span_attr('it''s')");
});

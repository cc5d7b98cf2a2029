import { expect, test } from "vitest";
import { pastOf, withPast } from "../src/sql/history.ts";
import { AnswerReader, rowOf } from "../src/sql/reader.ts";

const WHOLE =
  '{"columns":[{"name":"a\\"[","type":"text"},{"name":"n","type":"bigint"}],"rows":[\n["x]\\\\",1],\n[null,9007199254740993],\n[["y","}"],-2.5]]}\n';
const ROWS = [
  ["x]\\", 1],
  [null, "9007199254740993"],
  [["y", "}"], -2.5],
];

test.each([1, 2, 3, 7, 1000])("an answer in pieces of %d is read as a whole", (size) => {
  const reader = new AnswerReader();
  for (let at = 0; at < WHOLE.length; at += size) reader.push(WHOLE.slice(at, at + size));
  expect(reader.columns).toEqual([
    { name: 'a"[', type: "text" },
    { name: "n", type: "bigint" },
  ]);
  expect(reader.rows).toEqual(ROWS);
  expect(reader.isWhole).toBe(true);
  expect(reader.error).toBeNull();
});

test("rows are there before the end is", () => {
  const reader = new AnswerReader();
  reader.push(WHOLE.slice(0, WHOLE.indexOf("\n[null")));
  expect(reader.rows).toEqual(ROWS.slice(0, 1));
  expect(reader.isWhole).toBe(false);
});

test("an answer without rows, and one that failed behind some", () => {
  const empty = new AnswerReader();
  empty.push('{"columns":[{"name":"a","type":"text"}],"rows":[]}\n');
  expect([empty.rows, empty.isWhole, empty.error]).toEqual([[], true, null]);
  const failed = new AnswerReader();
  failed.push('{"columns":[{"name":"a","type":"text"}],"rows":[\n["x"]],"error":"took \\"too\\" long"}\n');
  expect([failed.rows, failed.isWhole, failed.error]).toEqual([[["x"]], true, 'took "too" long']);
});

test.each<[string, unknown[]]>([
  [
    "[9007199254740991,9007199254740992,-9223372036854775808]",
    [9007199254740991, "9007199254740992", "-9223372036854775808"],
  ],
  ['["1234567890123456789", 1.2345678901234567, 1e300]', ["1234567890123456789", 1.2345678901234567, 1e300]],
  ['["say \\"12345678901234567890\\""]', ['say "12345678901234567890"']],
])("%s keeps its digits", (json, row) => expect(rowOf(json)).toEqual(row));

const past = (query: string) => ({ query, at: 1, rows: 2, millis: 3 });

test("a query that is run again is first, once; the oldest are forgotten", () => {
  const all = [past("a"), past("b")];
  expect(withPast(all, past("b")).map(({ query }) => query)).toEqual(["b", "a"]);
  const many = Array.from({ length: 60 }, (_, i) => past(`q${i}`));
  expect(withPast(many, past("new"))).toHaveLength(50);
});

test("what was kept and is damaged is left out", () => {
  expect(pastOf(null)).toEqual([]);
  expect(pastOf("{")).toEqual([]);
  expect(pastOf('{"query":"a"}')).toEqual([]);
  expect(pastOf(JSON.stringify([past("a"), { query: 1 }, null, { query: "b" }]))).toEqual([past("a")]);
});

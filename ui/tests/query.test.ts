import { expect, test, vi } from "vitest";
import type { Chip } from "../src/api/schema.ts";
import { chipsOf, literalOf, queryOf, typedOf } from "../src/query/chips.ts";
import { keyOf, piecesOf } from "../src/query/editor.tsx";
import { bytesBefore, lineAndColumn, mended, type Problem, unitsBefore } from "../src/query/language.ts";
import { withRecent } from "../src/query/recent.ts";
import { narrowed, Suggestions } from "../src/query/suggestions.ts";

const chip = (name: string, op: string, literal: string): Chip => ({ name, op, literal });

test.each<[string, Chip[]]>([
  ["{}", []],
  ["{ status = error }", [chip("status", "=", "error")]],
  [
    '{ resource.service.name =~ "a|b && c" && duration >= 1.5s && span."x y" != nil && .n > -3 }',
    [
      chip("resource.service.name", "=~", '"a|b && c"'),
      chip("duration", ">=", "1.5s"),
      chip('span."x y"', "!=", "nil"),
      chip(".n", ">", "-3"),
    ],
  ],
])("%s is a row of conditions and stays the same", (query, chips) => {
  expect(chipsOf(query)).toEqual(chips);
  expect(queryOf(chips)).toBe(query);
});

test.each([
  "{ a = 1 || b = 2 }",
  "{ (status = error) }",
  "{ .a = .b }",
  "{ status = error } | rate()",
  "{} >> {}",
  "{ status = }",
  "words",
])("%s is more than a row of conditions", (query) => expect(chipsOf(query)).toBeNull());

test("conditions that are not finished are no part of the query", () => {
  expect(queryOf([chip("status", "=", ""), chip("", "=", "x"), chip("kind", "=", "server")])).toBe(
    "{ kind = server }",
  );
});

test.each([
  ["cart", "=", '"cart"'],
  ["500", "=", "500"],
  ["500", "=~", '"500"'],
  ["1.5ms", ">", "1.5ms"],
  ["-3", ">", "-3"],
  ["true", "=", "true"],
  ["error", "=", "error"],
  ['"500"', "=", '"500"'],
  ["`a\\d`", "=~", "`a\\d`"],
  ['say "hi"', "=", '"say \\"hi\\""'],
  ['"half', "=", '"\\"half"'],
  ["  ", "=", ""],
])("%s typed after %s is %s", (typed, op, literal) => {
  expect(literalOf(typed, op)).toBe(literal);
  expect(literalOf(typedOf(literal, op), op)).toBe(literal);
});

test("a value is shown without quotes where that means the same", () => {
  expect(typedOf('"cart"', "=")).toBe("cart");
  expect(typedOf('"500"', "=")).toBe('"500"');
  expect(typedOf("nil", "=")).toBe("nil");
});

test("positions of bytes and of units agree", () => {
  const text = '{ name = "\u00fc\u{1f600}x" }';
  for (const at of [0, 10, 11, 13, 14, text.length]) {
    expect(unitsBefore(text, bytesBefore(text, at))).toBe(at);
  }
  expect(bytesBefore(text, 13)).toBe(16);
  expect(lineAndColumn("{\n  \u{1f600}x", 6)).toEqual({ line: 2, column: 4 });
});

const problem = (from: number, to: number, replace: string | null = null): Problem => ({
  from,
  to,
  severity: "error",
  message: "",
  replace,
});

test("a mistake is replaced by what is suggested", () => {
  expect(mended("{ stattus = error }", problem(2, 9, "status"))).toBe("{ status = error }");
  expect(mended("{ a }", problem(2, 3))).toBe("{ a }");
});

test("pieces are cut where a mistake begins and ends, and nothing is lost", () => {
  const text = "{ stattus = error }";
  const pieces = piecesOf(text, [problem(4, 13)]);
  expect(pieces.map(({ text }) => text).join("")).toBe(text);
  expect(pieces.filter(({ problem }) => problem).map(({ text }) => text)).toEqual([
    "attus",
    " ",
    "=",
    " ",
    "e",
  ]);
});

test.each<[Partial<KeyboardEvent>, boolean, number, string | null]>([
  [{ key: "Enter" }, false, -1, "run"],
  [{ key: "Enter", shiftKey: true }, true, 2, "run"],
  [{ key: "Enter", ctrlKey: true }, true, 2, "run"],
  [{ key: "Enter" }, true, -1, "run"],
  [{ key: "Enter" }, true, 0, "accept"],
  [{ key: "Enter", altKey: true }, false, -1, "line"],
  [{ key: "Tab" }, true, -1, "accept"],
  [{ key: "Tab" }, false, -1, null],
  [{ key: "Tab", shiftKey: true }, true, -1, null],
  [{ key: "Escape" }, true, -1, "close"],
  [{ key: "Escape" }, false, -1, null],
  [{ key: "ArrowDown" }, true, -1, "next"],
  [{ key: "ArrowUp" }, false, -1, null],
  [{ key: " ", ctrlKey: true }, false, -1, "suggest"],
])("the key %o", (event, isOpen, active, does) => {
  expect(keyOf(event as KeyboardEvent, isOpen, active)).toBe(does);
});

test("a list follows the word that is being typed, and goes with it", () => {
  const items = ["name", "rootName", "kind"].map((text) => ({ text, kind: "intrinsic", detail: null }));
  const found = { query: "{  }", from: 2, to: 2, items };
  expect(narrowed(found, "{ na }", 4)).toEqual({ query: "{ na }", from: 2, to: 4, items: items.slice(0, 2) });
  expect(narrowed(found, "{ nax }", 5)).toBeNull();
  expect(narrowed(found, "{ na && }", 4)).toBeNull();
  expect(narrowed(found, "", 0)).toBeNull();
});

test("what was chosen stays so when the list comes again, and a list that is not wanted any more does not", async () => {
  vi.useFakeTimers();
  try {
    const item = (text: string) => ({ text, kind: "intrinsic" as const, detail: null });
    const lists = [["name", "nestedSetLeft"], ["kind", "name"], ["kind"], ["name"]];
    const list = new Suggestions(async () => ({ from: 2, to: 3, items: (lists.shift() ?? []).map(item) }));
    const asked = async () => {
      list.ask("{ n }", 3);
      await vi.runAllTimersAsync();
    };
    await asked();
    expect(list.active.value).toBe(-1);
    list.move(1);
    await asked();
    expect(list.found.value?.items.map(({ text }) => text)).toEqual(["kind", "name"]);
    expect(list.active.value).toBe(1);
    await asked();
    expect(list.active.value).toBe(-1);
    list.ask("{ n }", 3);
    list.close();
    await vi.runAllTimersAsync();
    expect(list.found.value).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});

test("the last query is the first, and none is there twice", () => {
  expect(withRecent(["a", "b", "c"], "c")).toEqual(["c", "a", "b"]);
  expect(
    withRecent(
      Array.from({ length: 30 }, (_, i) => String(i)),
      "new",
    ),
  ).toHaveLength(20);
});

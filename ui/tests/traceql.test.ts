import { expect, test } from "vitest";
import { bracketsAt, tokensOf } from "../src/query/tokens.ts";
import { allOf, bothOf, filterOf, withCondition } from "../src/traceql.ts";

const kinds = (query: string) =>
  tokensOf(query)
    .filter(({ kind }) => kind !== "space")
    .map(({ kind, text }) => `${kind} ${text}`);

test("a filter has attributes, operators and values", () => {
  expect(kinds('{ resource.service.name = "cart" && .http.status_code>=500 && duration > 1.5ms }')).toEqual([
    "bracket {",
    "attribute resource.service.name",
    "operator =",
    'string "cart"',
    "operator &&",
    "attribute .http.status_code",
    "operator >=",
    "number 500",
    "operator &&",
    "intrinsic duration",
    "operator >",
    "number 1.5ms",
    "bracket }",
  ]);
});

test.each([
  [
    "{ span:childCount > 1 }",
    ["bracket {", "intrinsic span:childCount", "operator >", "number 1", "bracket }"],
  ],
  ['span."a b" =~ `x\\d`', ['attribute span."a b"', "operator =~", "string `x\\d`"]],
  ["parent.resource.x != nil", ["attribute parent.resource.x", "operator !=", "word nil"]],
  [
    "{} &>> {status=error} | rate() by(name)",
    [
      "bracket {",
      "bracket }",
      "operator &>>",
      "bracket {",
      "intrinsic status",
      "operator =",
      "word error",
      "bracket }",
      "operator |",
      "function rate",
      "bracket (",
      "bracket )",
      "function by",
      "bracket (",
      "intrinsic name",
      "bracket )",
    ],
  ],
  [
    "{ stattus = 1h30m } // why",
    ["bracket {", "unknown stattus", "operator =", "number 1h30m", "bracket }", "comment // why"],
  ],
  ['{ name = "not closed', ["bracket {", "intrinsic name", "operator =", 'string "not closed']],
  ["#\u{1f600}", ["unknown #", "unknown \u{1f600}"]],
  ["1.5", ["number 1.5"]],
])("the pieces of %s", (query, pieces) => expect(kinds(query)).toEqual(pieces));

test.each(["", "{", '{ name = "x\\"y" && span.a-b/c = 1 } | count() > 2', "\u{1f600} /* open", "\t{ }\n"])(
  "no character of %j is lost",
  (query) =>
    expect(
      tokensOf(query)
        .map(({ text }) => text)
        .join(""),
    ).toBe(query),
);

test("brackets find their partners, strings have none", () => {
  const query = '{ (a = "(") }';
  const tokens = tokensOf(query);
  expect(bracketsAt(tokens, 0)).toEqual([0, 12]);
  expect(bracketsAt(tokens, 13)).toEqual([12, 0]);
  expect(bracketsAt(tokens, 11)).toEqual([10, 2]);
  expect(bracketsAt(tokens, 8)).toBeNull();
  expect(bracketsAt(tokensOf("{ ("), 0)).toBeNull();
});

test.each([
  ["{}", ""],
  ["{ true }", ""],
  ['{ name = "}" }', 'name = "}"'],
  ["{} >> {}", null],
  ["{ } | rate()", null],
  ["words", null],
])("between the braces of %s", (query, inner) => expect(filterOf(query)).toBe(inner));

test("conditions are joined without changing what they mean", () => {
  expect(allOf([])).toBe("{}");
  expect(allOf(["", "a = 1"])).toBe("{ a = 1 }");
  expect(withCondition('{ name = "a || b" }', "kind = server")).toBe('{ name = "a || b" && kind = server }');
  expect(bothOf("{ a = 1 || b = 2 }", "{ c = 3 }")).toBe("{ (a = 1 || b = 2) && c = 3 }");
  expect(bothOf("{ (a = 1 || b = 2) && d = 4 }", "{ c = 3 }")).toBe("{ (a = 1 || b = 2) && d = 4 && c = 3 }");
  expect(bothOf("{}", "{ c = 3 }")).toBe("{ c = 3 }");
  expect(bothOf("{ c = 3 }", "{ c = 3 }")).toBe("{ c = 3 }");
  expect(bothOf("{} | rate()", "{ c = 3 }")).toBeNull();
});

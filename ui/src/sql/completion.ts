/** What can stand where somebody writes SQL. */
import type { Completion, Suggestion } from "../api/schema.ts";
import type { Token } from "../query/tokens.ts";
import { aboutColumn, literal, OF_TRACES, SPANS, type SqlSchema } from "./schema.ts";
import { tokensOf } from "./tokens.ts";

const OFFERED_MAX = 60;

/** With what they give; the server knows more. */
const FUNCTIONS: readonly (readonly [string, string])[] = [
  ["attr", "attribute of the span, else of the resource"],
  ["span_attr", "attribute of the span"],
  ["resource_attr", "attribute of the resource"],
  ["count", "how many"],
  ["sum", "sum"],
  ["avg", "mean"],
  ["min", "smallest"],
  ["max", "largest"],
  ["approx_percentile_cont", "percentile: (value, 0.99)"],
  ["approx_distinct", "how many different, about"],
  ["median", "median"],
  ["stddev", "standard deviation"],
  ["date_trunc", "time cut: ('minute', start_time)"],
  ["date_bin", "time in steps: (interval '5 minutes', start_time)"],
  ["date_part", "part of a time: ('hour', start_time)"],
  ["now", "the time now"],
  ["to_timestamp", "time out of a text"],
  ["coalesce", "the first that is not null"],
  ["nullif", "null where they are equal"],
  ["round", "rounded"],
  ["floor", "rounded down"],
  ["lower", "in small letters"],
  ["upper", "in capitals"],
  ["length", "characters"],
  ["substr", "part of a text"],
  ["split_part", "part between separators"],
  ["starts_with", "whether it begins so"],
  ["regexp_like", "whether it matches"],
  ["regexp_replace", "with matches replaced"],
  ["concat", "one behind the other"],
  ["string_agg", "texts in one"],
  ["row_number", "number within a window"],
  ["rank", "rank within a window"],
  ["lag", "value of the row before"],
  ["lead", "value of the row after"],
];

const CLAUSES = [
  "SELECT",
  "FROM",
  "WHERE",
  "GROUP BY",
  "HAVING",
  "ORDER BY",
  "LIMIT",
  "JOIN",
  "ON",
  "WITH",
  "AS",
  "AND",
  "OR",
  "NOT",
  "IN",
  "IS NULL",
  "IS NOT NULL",
  "LIKE",
  "BETWEEN",
  "CASE",
  "WHEN",
  "THEN",
  "ELSE",
  "END",
  "DISTINCT",
  "DESC",
  "ASC",
  "FILTER (WHERE",
  "OVER (PARTITION BY",
  "UNION ALL",
  "INTERVAL",
  "EXPLAIN",
];

/** Values of columns that have few. */
const VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ["kind", ["server", "client", "internal", "producer", "consumer", "unspecified"]],
  ["status", ["error", "ok", "unset"]],
]);

/** Whose attributes a function reads; `null` for all. */
const SCOPES: ReadonlyMap<string, "span" | "resource" | null> = new Map([
  ["attr", null],
  ["span_attr", "span"],
  ["resource_attr", "resource"],
]);

/** Keywords and signs behind which a value begins. */
const BEFORE_VALUE = new Set([
  "select",
  "where",
  "and",
  "or",
  "not",
  "by",
  "on",
  "having",
  "distinct",
  "when",
  "then",
  "else",
  "case",
  ",",
  "(",
]);

const item = (text: string, kind: string, detail: string | null = null): Suggestion => ({
  text,
  kind,
  detail,
});

const none = (at: number): Completion => ({ from: at, to: at, items: [] });

/** What can stand at a position: tables behind FROM, keys and values within quotes, else columns and functions. */
export function completionsOf(query: string, at: number, schema: SqlSchema): Completion {
  const tokens = tokensOf(query);
  const index = tokens.findIndex(({ from, text }) => from < at && at <= from + text.length);
  const here = tokens[index];
  if (here?.kind === "comment" || here?.kind === "number") return none(at);
  if (here?.kind === "string") return withinQuotes(tokens, index, at, schema);
  const isName = here !== undefined && /^\w+$/.test(here.text);
  const typed = isName ? here.text.slice(0, at - here.from).toLowerCase() : "";
  const before = tokens
    .slice(0, isName ? index : index + 1)
    .filter(({ kind }) => kind !== "space" && kind !== "comment");
  const last = before.at(-1)?.text.toLowerCase() ?? "";
  const items =
    last === "from" || last === "join"
      ? schema.tables.map(({ name }) => item(name, "table"))
      : typed === "" && !(BEFORE_VALUE.has(last) && at > 0)
        ? []
        : named(schema, last);
  const [from, to] = isName ? [here.from, here.from + here.text.length] : [at, at];
  return { from, to, items: ranked(items, typed) };
}

/** Those that have what was typed: first those that begin with `start`. */
function ranked(items: readonly Suggestion[], start: string, typed = start): Suggestion[] {
  const fitting = items.filter(({ text }) => text.toLowerCase().includes(typed));
  const rank = ({ text }: Suggestion) => (text.toLowerCase().startsWith(start) ? 0 : 1);
  return fitting.sort((a, b) => rank(a) - rank(b)).slice(0, OFFERED_MAX);
}

/** Columns, functions and, unless a value has to follow, what goes on behind one. */
function named(schema: SqlSchema, last: string): Suggestion[] {
  const columns = [...(schema.tables.find(({ name }) => name === SPANS)?.columns ?? []), ...OF_TRACES];
  const all = [
    ...columns.map(({ name, type }) => item(name, "column", aboutColumn(name) ?? type)),
    ...FUNCTIONS.map(([name, detail]) => item(`${name}(`, "function", detail)),
  ];
  // Behind a dot is a column of what has the name before it.
  if (last === ".") return all.slice(0, columns.length);
  return [...all, ...CLAUSES.map((text) => item(text, "keyword"))];
}

function withinQuotes(tokens: readonly Token[], index: number, at: number, schema: SqlSchema): Completion {
  const token = tokens[index];
  if (!token) return none(at);
  // A text that ends is left with the sign that ends it.
  const end = token.from + token.text.length;
  if (at === end && token.text.length > 1 && token.text.endsWith("'")) return none(at);
  const before = tokens.slice(0, index).filter(({ kind }) => kind !== "space");
  const typed = token.text.slice(1, at - token.from).toLowerCase();
  const items = (texts: readonly string[], kind: string) =>
    ranked(
      texts.map((text) => item(literal(text), kind)),
      `'${typed}`,
      typed,
    );
  // A text without an end goes on to the end of the query, which is not meant.
  const isOpen = !(token.text.length > 1 && token.text.endsWith("'"));
  const to = isOpen ? at : end;
  const called = before.at(-1)?.text === "(" ? before.at(-2)?.text.toLowerCase() : undefined;
  const scope = SCOPES.get(called ?? "");
  if (scope !== undefined) {
    const keys = schema.attributes
      .filter((of) => scope === null || of.scope === scope)
      .map(({ name }) => name);
    return { from: token.from, to, items: items([...new Set(keys)], "attribute") };
  }
  const column = before.findLast(({ text }) => VALUES.has(text.toLowerCase()))?.text.toLowerCase();
  const since = before.slice(before.findLastIndex(({ text }) => text.toLowerCase() === column) + 1);
  const isOfColumn = since.every(
    ({ kind, text }) => kind === "operator" || kind === "string" || /^(not|in|\()$/i.test(text),
  );
  if (!column || !isOfColumn) return none(at);
  return { from: token.from, to, items: items(VALUES.get(column) ?? [], "value") };
}

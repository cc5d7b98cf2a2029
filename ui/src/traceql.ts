/** Writing TraceQL. What a query means is decided by the server alone. */
import { tokensOf } from "./query/tokens.ts";

/** A string literal. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** An attribute of a scope, quoted where its key needs it. */
export function attribute(scope: "span" | "resource", key: string): string {
  return `${scope}.${/^[\w./-]+$/.test(key) ? key : quoted(key)}`;
}

/** What stands between the braces of a query that is one filter and nothing else; `null` for any other. */
export function filterOf(query: string): string | null {
  const tokens = tokensOf(query).filter(({ kind }) => kind !== "space" && kind !== "comment");
  const [first, last] = [tokens[0], tokens.at(-1)];
  const braces = tokens.filter(({ kind, text }) => kind === "bracket" && (text === "{" || text === "}"));
  if (first?.text !== "{" || last?.text !== "}" || braces.length !== 2) return null;
  const inner = query.slice(first.from + 1, last.from).trim();
  return inner === "true" ? "" : inner;
}

/** Whether a condition must be in parentheses to be one side of an "and". */
function isAlternative(condition: string): boolean {
  let depth = 0;
  return tokensOf(condition).some(({ kind, text }) => {
    if (kind === "bracket") depth += "({[".includes(text) ? 1 : -1;
    return depth === 0 && text === "||";
  });
}

/** All of these conditions for the same span; `{}` for none. */
export function allOf(conditions: readonly string[]): string {
  const some = conditions.filter((condition) => condition !== "");
  if (some.length === 0) return "{}";
  if (some.length === 1) return `{ ${some[0]} }`;
  return `{ ${some.map((condition) => (isAlternative(condition) ? `(${condition})` : condition)).join(" && ")} }`;
}

/** The query with one more condition for the same span, where its form allows that. */
export function withCondition(query: string, condition: string): string {
  return allOf([filterOf(query) ?? "", condition]);
}

/** The spans that pass both filters; `null` when one of them is more than a filter. */
export function bothOf(query: string, selection: string): string | null {
  const [all, some] = [filterOf(query), filterOf(selection)];
  return all === null || some === null ? null : allOf(all === some ? [all] : [all, some]);
}

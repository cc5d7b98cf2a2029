/** Attributes as columns: those of the address, the query that brings them, and their values. */
import type { SpanResult } from "../api/search.ts";
import { tokensOf } from "../query/tokens.ts";

/** Attributes of an address, in order; none twice. */
export function namesOf(parameter: string | null): string[] {
  const names: string[] = [];
  let name = "";
  let isQuoted = false;
  for (const char of `${parameter ?? ""},`) {
    if (char === '"') isQuoted = !isQuoted;
    if (char === "," && !isQuoted) {
      const trimmed = name.trim();
      if (trimmed !== "" && !names.includes(trimmed)) names.push(trimmed);
      name = "";
    } else name += char;
  }
  return names;
}

/** The parameter for some attributes; `undefined` for none. */
export function parameterOf(names: readonly string[]): string | undefined {
  return names.length > 0 ? names.join(",") : undefined;
}

const METRICS = /^(?:rate|.*_over_time|compare|topk|bottomk)$/;

/** Whether a query asks for numbers over time, not for spans. */
export function isMetric(q: string): boolean {
  return tokensOf(q).some(({ kind, text }) => kind === "function" && METRICS.test(text));
}

/** The query that also brings these attributes. */
export function selecting(q: string, names: readonly string[]): string {
  if (names.length === 0 || isMetric(q)) return q;
  const stage = `| select(${names.join(", ")})`;
  // Hints come last.
  const hints = tokensOf(q).find(({ kind, text }) => kind === "function" && text === "with");
  return hints ? `${q.slice(0, hints.from).trimEnd()} ${stage} ${q.slice(hints.from)}` : `${q} ${stage}`;
}

/** The key of an attribute in answers: without its scope and its quotes. */
export function keyOf(name: string): string {
  const key = name
    .replace(/^(?:parent\.)?(?:span|resource|event|link|instrumentation)?\./, "")
    .replace(/^span:/, "");
  return /^".*"$/.test(key) ? key.slice(1, -1).replace(/\\(.)/g, "$1") : key;
}

/** The value of an attribute; `undefined` where the span has none. */
export function valueIn(span: SpanResult | undefined, name: string): string | undefined {
  if (!span) return undefined;
  const key = keyOf(name);
  return key === "name" ? span.name : span.values[key];
}

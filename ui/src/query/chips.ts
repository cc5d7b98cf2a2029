/** A query as a row of conditions that must all hold, and back. */
import type { Chip } from "../api/schema.ts";
import { allOf, filterOf, quoted } from "../traceql.ts";
import { type Token, tokensOf } from "./tokens.ts";

export const OPERATORS = ["=", "!=", "=~", "!~", ">", ">=", "<", "<="] as const;

/** The query of some conditions; those without an attribute or a value are still being written. */
export function queryOf(chips: readonly Chip[]): string {
  return allOf(
    chips
      .filter(({ name, literal }) => name.trim() !== "" && literal.trim() !== "")
      .map(({ name, op, literal }) => `${name.trim()} ${op} ${literal.trim()}`),
  );
}

/** The conditions of a query; `null` when it is more than a row of them. */
export function chipsOf(query: string): Chip[] | null {
  const inner = filterOf(query);
  if (inner === null) return null;
  if (inner === "") return [];
  const tokens = tokensOf(inner).filter(({ kind }) => kind !== "space");
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.text === "&&") parts.push([]);
    else parts.at(-1)?.push(token);
  }
  const chips = parts.map(chipOf);
  return chips.every((chip) => chip !== null) ? chips : null;
}

function chipOf(tokens: readonly Token[]): Chip | null {
  const [name, op, ...rest] = tokens;
  if (!name || !op || !OPERATORS.some((operator) => operator === op.text)) return null;
  if (name.kind !== "attribute" && name.kind !== "intrinsic") return null;
  const isNegative = rest.length === 2 && rest[0]?.text === "-" && rest[1]?.kind === "number";
  const isValue = rest.length === 1 && ["string", "number", "word"].includes(rest[0]?.kind ?? "");
  if (!isNegative && !isValue) return null;
  return { name: name.text, op: op.text, literal: rest.map(({ text }) => text).join("") };
}

/** What a person typed as a value, as TraceQL has it: what is no value of the language is text. */
export function literalOf(typed: string, op: string): string {
  const text = typed.trim();
  if (text === "") return "";
  const tokens = tokensOf(text);
  const only = tokens.length === 1 ? tokens[0] : undefined;
  const isClosed = /^(?:"(?:[^"\\]|\\.)*"|`[^`]*`)$/.test(text);
  if (only?.kind === "string" && isClosed) return text;
  const isPattern = op === "=~" || op === "!~";
  if (!isPattern && (only?.kind === "number" || only?.kind === "word" || /^-\d+(\.\d+)?$/.test(text)))
    return text;
  return quoted(text);
}

/** A value as a person reads it: text without its quotes, where typing that again means the same. */
export function typedOf(literal: string, op: string): string {
  if (!/^"/.test(literal)) return literal;
  try {
    const text: unknown = JSON.parse(literal);
    if (typeof text === "string" && literalOf(text, op) === literal) return text;
  } catch {
    // TraceQL escapes more than JSON does.
  }
  return literal;
}
